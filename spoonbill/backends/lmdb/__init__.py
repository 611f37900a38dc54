"""LMDB."""
