"""Confirmation: the best recipes of a search, trained again with new seeds in a study of their own.

preparing    creates the study and queues its trials
confirmed    reads a confirmation, and the trial that a study's user should take
means        Student's interval of a mean, Welch's test of two
conclusions  what a confirmation shows, in sentences
best_trials  the best trials of a search and its confirmation, for an ensemble
"""
