"""A real PostgreSQL in a folder: the storage of a search on one machine.

server             EmbeddedPostgres: joined, shared by all processes of a home, stopped by the last one
locks              who uses it, across processes
cluster            one data folder: started, recovered, stopped
cluster_creation   made with its role and database, whole or not at all
home_identity      which home it belongs to, where a home is moved or copied
postgres_programs  PostgreSQL's programs, run as the user that may
postmaster         its server process
paths              where data, socket and binaries are, and which system user runs them
mounts             network file systems, on which none of this is safe
full_disk          a disk that has no room left, with its figures
"""

from automl.storage.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
