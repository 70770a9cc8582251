"""Files of the trials, in a folder or a bucket: weights, pictures and checkpoints.

store             what a store can do, and the one that is a folder
s3                the store that is a bucket
opening           the store at an address
artifact_records  what a trial stores, and what the database records of it
weights           weights of the best trials, with their validation predictions
checkpoints       when a trial is saved, and from where it goes on
checkpoint_names  names of checkpoints
garbage           files that killed workers left behind
dashboard_store   the store as optuna-dashboard reads it
"""
