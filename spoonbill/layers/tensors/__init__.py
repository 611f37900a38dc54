"""Layers for tensors."""
