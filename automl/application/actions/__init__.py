"""What a command does beside a search: one module a task, each with one call that `cli` makes.

confirmation_run     a confirmation on this machine
inspection_pictures  pictures of data
model_evaluation     the evaluation of an exported model
model_export         the export of a trial or an ensemble
study_copy           a copy in another database
study_creation       a study created or continued, without running it
study_deletion       a study deleted with all that belongs to it
study_status         the state of a study
"""
