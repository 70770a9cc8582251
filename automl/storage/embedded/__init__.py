"""A real PostgreSQL in a folder: the storage of a search on one machine.

server      EmbeddedPostgres: joined, shared by all processes of a home, stopped by the last one
locks       who uses it, across processes
cluster     one data folder: created, started, recovered, stopped
postmaster  its server process
paths       where data, socket and binaries are, and which system user runs them
mounts      network file systems, on which none of this is safe
"""

from automl.storage.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
