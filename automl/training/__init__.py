"""One training run: a Recipe and a DataSet in, one EpochResult after another out."""
