"""The page that shows maps side by side."""
