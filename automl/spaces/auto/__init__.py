"""The space `auto`: built for these images, on this machine, in this budget.

image_facts  what the rules know of the images
rules        the table of rules: which values of each field, and why
affording    choices that a budget affords, by forecast
portfolio    the recipes that come first
auto_space   the search space
"""
