"""Helpers of every layer: progress and cancelling, atomic writes, error messages, readings of signed maps."""
