"""The command line: parse, one call, print.

main                 the commands, loaded one at a time; a user's mistake is one message and exit code 2
parser               argparse without the usage block before each error
arguments            types of arguments and options that several commands share
device_argument      the option --device
search_arguments     options for what is searched and how
commands             one module a command
output               the one place that prints
tables               tables, for which rich is loaded
study_output         the state of a study and its best trial, in words
trial_tables         tables of studies and of one trial
recipe_text          a trial's recipe as a file
export_output        exported models and ensembles
confirmation_output  confirmed results in sentences
confirmation_table   confirmed results as a table
model_output         evaluations and predictions
check_output         results of `automl check`
space_table          a space file as it was understood
"""
