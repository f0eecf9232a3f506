"""The page that shows how far maps can be believed."""
