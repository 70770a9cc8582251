"""The command line: parse, one call, print.

main                 finds the command, loads it, turns a user's mistake into one message and exit code 2
parser               argparse without the usage block before each error
arguments            types of arguments and options that several commands share
search_arguments     options that say what is searched and how
commands             one module a command
output               the one place that prints
study_output         studies, trials and exports in words and tables
confirmation_output  confirmed results
model_output         evaluations and predictions
check_output         what `automl check` found
space_table          how a space file was understood
"""
