"""The documentation, and the programs that draw and write parts of it."""
