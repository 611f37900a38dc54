"""Synchronous code between an event loop and its waits."""
