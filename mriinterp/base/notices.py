"""What every page, file and report has to say of itself."""

__all__ = ["RESEARCH_USE", "SIMULATED_ONLY"]

RESEARCH_USE = "Research use only. Not a medical device."
SIMULATED_ONLY = "No diagnosis. This network knows simulated brains only: its answer means nothing about a real person."
