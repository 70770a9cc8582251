"""Ten minutes from a command to an exported model, on five sets of images: `make bench-auto`.

autokeras_search     the same minutes for AutoKeras, in its own environment
compare              runs the contenders one after another and writes the table
fixed_recipe         one recipe, trained for all of the time
image_sets           the five sets, with their splits and metrics
our_search           `automl search`, as its user would start it
record               what a contender leaves behind
requirements.txt     of AutoKeras, for an environment of its own
"""
