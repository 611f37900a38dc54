"""Files of a local disk, opened and made so that nothing planted there is followed."""
