"""Results on disk: maps with their description, and predictions."""
