"""Stores over stores: the base of every layer, and the kinds of layers."""
