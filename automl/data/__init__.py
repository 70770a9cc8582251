"""Images and labels: from a name or a path to batches on the device."""
