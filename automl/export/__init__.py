"""Models as files: written, read, evaluated, used."""
