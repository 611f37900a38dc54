"""A Modal server for tests."""
