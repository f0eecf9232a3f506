"""Publications, one file each."""
