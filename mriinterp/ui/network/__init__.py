"""The page of a network: its card, its code, its methods."""
