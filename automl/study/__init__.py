"""A study: what it searches, and how it is created, continued, stopped, renamed and deleted.

specification  all that a worker needs beside the storage URL
limits         how large and how slow a network may be
names          which names are allowed, and the default one
study_data     the data of a study on this machine
record         studies as the database has them, found by name
granting       a budget, and how a later command raises it
creation       studies created or continued
consent        code that a study names, and who let it be imported
stopping       studies stopped
renaming       studies renamed, which stay what they are
deletion       studies deleted with their files
"""
