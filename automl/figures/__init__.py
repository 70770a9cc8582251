"""Pictures of a search: data in, files out."""
