"""Modal's Dict."""
