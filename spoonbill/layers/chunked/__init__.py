"""Values in parts."""
