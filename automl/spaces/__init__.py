"""Search spaces: a file, a sweep or a function becomes parameters with distributions, fitted to the images.

file             loads a space: a shipped name, a YAML file, a mapping or a function
yaml_with_lines  YAML with the line of every entry
entries          the `parameters:` of a file, with its nested ones
entry            one entry, with what it takes to check it
conditions       the `when:` of a file
wandb_sweep      the settings of a W&B sweep beside its parameters
aliases          other people's names of fields, choices and metrics
function         a space in Python
parameters       a parameter: its field, its distribution and its conditions
distributions    the distributions of parameters, and their entries in a file
space            the search space: recipes, grid, YAML and JSON
fit              a space without what the images are too small for
auto             the space that is built for the images, the machine and the budget
baselines        the recipes of a search that come first
sampling         recipes that a space proposes before there is a study
"""
