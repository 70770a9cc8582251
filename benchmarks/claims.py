"""Hundreds of random histories of claims, budget and recovery, held against a model of the queue.

    python -m benchmarks.claims --examples 400

The state machine is the one of the tests (tests/queue/claims_machine.py), on an embedded PostgreSQL of its own. A
history that goes wrong is shortened and shown, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from automl.storage.database import open_database
from automl.storage.schema_creation import create_schema

# The state machine is made for the tests, which try few examples of the same.
from tests.queue.claims_machine import check_claims

EXAMPLES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help=f"histories of up to 30 steps ({EXAMPLES})")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="automl-claims-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        with open_database(None, home=Path(folder, "home")) as database:
            create_schema(database)
            check_claims(database, examples=options.examples)
    seconds = time.monotonic() - began
    print(f"{options.examples} histories of claims, budget and recovery stand as the model has them ({seconds:.0f} s).")


if __name__ == "__main__":
    main()
