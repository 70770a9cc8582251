"""Studies that move: copied, backed up, restored, and used for a warm start.

copying           studies copied into another database
backups           studies written to one file, and read back
importing         a document with its files, written into a database and a store
warm_start        finished trials of one study, imported into another
study_document    a study as plain JSON
document_reading  a document read from a database
document_writing  a document written into a database
study_files       where files of a study are read, and how a store calls them
moved             what was moved, in words
"""
