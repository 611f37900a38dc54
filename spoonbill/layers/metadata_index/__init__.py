"""The index of a store that cannot list its keys."""
