"""The sections of the report: sentences, tables and figures.

search_sections       data and space, history, baselines, learning curves, importance, pruning, failures
time_section          split of the time, what was lost, the best model over time
trade_off_section     value against size and latency
confirmation_section  confirmed results
winner_sections       the best trial: metrics, classes, most confident errors, compute cost, reproduction
calibration_section   calibration of the best trial's probabilities
"""
