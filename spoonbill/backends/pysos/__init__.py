"""A text file of JSON lines, as pysos keeps it."""
