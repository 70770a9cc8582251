"""What proposes the next recipe, and what ends a trial early.

local_sampler   small steps from the best recipes, for few trials
pruners         pruners by name
samplers        samplers by name
"""
