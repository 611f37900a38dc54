"""A Firestore server for tests."""
