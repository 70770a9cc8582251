"""Checks before a search begins: whether it will work on this machine, and what it will cost.

checking            all checks, and their report
environment_checks  database, artifacts, disk, wandb, device
model_checks        the smallest, middle and largest network: overfit check and cost of a trial
network_sizes       the smallest, middle and largest network of a space
auto_building       the space `auto` for loaded images and this machine
throughput          a concurrent benchmark: training in as many processes as there will be workers
"""
