"""The contents of a store as one file, or as a folder of files."""
