"""One file a key, on any filesystem."""
