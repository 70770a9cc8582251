"""What is read back of a search, with aggregated SQL: no Optuna, no torch.

status        where a search stands
trials        trials as they are stored
best          the best trials of a study
studies       a line for each study
calibrated    validation metrics before and after temperature scaling
notes         a trial and a study in words
note_writing  notes, written where optuna-dashboard shows them
bugs          whether the same bug ends one trial after another
"""
