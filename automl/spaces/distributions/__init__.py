"""Distributions of parameters, and how a sweep file writes them.

ranges      fixed values, choices and ranges, which Optuna knows
rounded     what Optuna does not know: rounded numbers, and numbers by quantile
cumulative  cumulative probability of bell and beta curves, and its inverse
sweep       every distribution of a W&B sweep file
intervals   entries with `min` and `max`
exponents   a check for exponents that were meant as values
quantile    entries of a bell or beta curve
"""
