"""Search spaces: files and functions in, recipes out."""
