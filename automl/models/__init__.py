"""The convolutional family, built from a Recipe."""
