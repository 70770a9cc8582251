"""Commands as forks of a process that has imported everything: real processes, without 4 s of a core for PyTorch.

- `start.py`: which command lines may be started so, and what is sent about one
- `client.py`: `subprocess.Popen` starts those as forks
- `fixtures.py`: all tests do so, and `new_processes` is for those that must not
- `template.py`: the process that is forked; it imports and never computes
"""
