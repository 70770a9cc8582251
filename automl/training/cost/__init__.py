"""How fast a device trains: rates by unit of work, for forecasts of any recipe.

reference_networks  the networks that are timed
rate_measurement    times them and fits the rates
separate_process    does it in a process of its own
"""
