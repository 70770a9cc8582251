"""Printed figures of a search, drawn with matplotlib.

history          optimization history: every finished trial, and the best so far
time_course      the best exportable model against the study's clock
forecasts        forecast and real seconds of an epoch
learning_curves  training and validation, epoch by epoch
importances      hyperparameter importance
parallel         parallel coordinates
architecture     value by depth, width and number of parameters
baseline_gain    values of the baseline recipes and of the winner
trade_off        value against size and latency, with Pareto fronts
effort           device time of the trials, and what pruning saved
confirmation     values of the confirmed recipes with new seeds
"""
