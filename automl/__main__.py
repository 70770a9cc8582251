"""`python -m automl`; by its path, the program of every worker process. `start` is the command `automl`, too."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the current folder, before anything but this is imported: what lies there may have any name


def start() -> int:
    """Run this process's command line. Its imports take a second, in which Ctrl-C is heard, too."""
    try:
        _keep_package()
        from automl.cli.main import main  # inside, where Ctrl-C is heard

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("automl: interrupted\n")
        return 130


def _keep_package() -> None:
    """Let child processes find this package: it may be a checkout that was found in the current folder alone."""
    from pathlib import Path  # not before the current folder is out of the way

    root = Path(__file__).resolve().parents[1]
    folders = [Path(folder).resolve() for folder in sys.path]
    if root not in folders:
        others = (index for index, folder in enumerate(folders) if (folder / "automl").is_dir())
        sys.path.insert(next(others, len(folders)), str(root))


if __name__ == "__main__":
    sys.exit(start())
