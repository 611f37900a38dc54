"""Values as objects of a class."""
