"""What one session remembers, and what ends with it."""
