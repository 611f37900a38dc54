"""Bounds on what a store takes."""
