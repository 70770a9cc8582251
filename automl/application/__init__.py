"""What a search, a worker and the other commands do: each is one call, which `cli` and `api` make.

actions              what a command does beside a search: one module a task
command_context      settings, folders, artifacts and the open database of a command
console              consoles and tables that take text as it is
durations            durations as people write them
live                 the view of a running search
local_workers        worker processes on this machine, watched until they end
views                views of a running search in a script or a notebook
plan                 from options to a specification, a budget and loaded data
search_options       what a search is asked for
search_run           a search on this machine, from images to the exported model
service_address      the service of docker compose, found from its folder
signals              SIGTERM, SIGINT and closed input as an event
utf8                 one encoding for all names
watcher              news of a running search
worker_process       the work of one worker process
workers              the workers of a study on this machine
"""
