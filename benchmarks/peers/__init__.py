"""Search quality against other ways to search, on the same machine, data, space and wall clock."""
