"""Stores with one bug each, and the run of the kit that has to find it."""
