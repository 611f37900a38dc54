"""What a mapping does beyond the verbs: the methods of a dict, views, searches, edits, counts, loads."""
