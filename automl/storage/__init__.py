"""PostgreSQL, the only storage: connections, tables, retry, and Optuna's storage on top.

database          an open database, embedded or at a URL
database_url      what `--storage` says, as a URL for psycopg2
connecting        how a connection is opened, whatever the environment says
retry             calls that are repeated while the database is away
refusals          what a database does not let a connection do, with what to do about it
embedded          a PostgreSQL in a folder
roles             the role that can only read, which the dashboard uses
schema            automl's tables, and a check of their version
schema_creation   creation of all tables, Optuna's too
answers           waiting for its answers: no wait without an end
attributes        names of the attributes that automl writes into Optuna's tables
advisory_locks    locks of a study's queue, weights and note, and of the schema
sql_facts         what the tables mean: finished, best, alive
optuna_storage    Optuna's storage, opened on a database
optuna_internals  every part of Optuna that is used beyond its public interface
trial_rows        trials as Optuna's objects, read with one statement
"""
