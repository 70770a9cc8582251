"""What commands print, in words and tables.

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
