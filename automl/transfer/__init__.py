"""Studies that move: copied, backed up, restored, and used for a warm start.

copying           studies copied into another database
backups           studies written to one file, and read back
importing         a document with its files, written into a database and a store
warm_start        finished trials of one study, imported into another
study_document    a study as plain JSON
document_reading  a document read from a database
document_writing  a document written into a database
backup_reading    the JSON of a backup, within a limit of memory
document_check    a document looked at whole before it is written
document_forms    what each part of a document looks like
forms             what a type says of a value in JSON
frozen            a trial of a document as Optuna has it
study_files       where files of a study are read, and how a store calls them
moved             what was moved, in words
"""
