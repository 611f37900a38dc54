"""What an interrupted load or save leaves, and what is done about it."""
