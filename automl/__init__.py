"""automl: an Optuna-driven search for the network and the regularization that classify your images best."""

__version__ = "0.1.0"
