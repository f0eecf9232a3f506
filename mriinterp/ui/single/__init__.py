"""The page of a single scan."""
