"""A look at data before anything is trained.

overview    sizes, classes, duplicates and baselines of a data set, with advice
duplicates  equal and similar images within a split, across splits, under several labels
similarity  groups of equal and of similar images
"""
