"""What is measured; each module runs alone: `python -m benchmarks.NAME`."""
