"""One module a command: its arguments, and one call that runs it. `automl.cli.main` lists and loads them."""
