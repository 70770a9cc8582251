"""Experiment tracking: Weights & Biases and optuna-dashboard.

dashboard_server   the optuna-dashboard server
dashboard_guard    what is let through to it: by which names, what may be changed, artifacts as files
wandb_mode         whether wandb uploads, found out without importing it
wandb_runs         each trial as a run of wandb
wandb_event_queue  the queue of events between a worker and its wandb process
wandb_process      the process that calls wandb for one worker
wandb_models       download of models from wandb
wandb_files        wandb's files on this machine
"""
