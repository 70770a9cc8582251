"""Where a search is watched: Weights & Biases and optuna-dashboard."""
