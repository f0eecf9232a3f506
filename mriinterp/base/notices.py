"""What every page, file and report has to say of itself."""

__all__ = ["RESEARCH_USE", "SIMULATED_ONLY"]

RESEARCH_USE = "Research use only. Not a medical device."
SIMULATED_ONLY = (
    "No diagnosis. This network was trained on simulated brains only. What it says of a real scan means nothing about "
    "the person; the map shows how the network reacts to real anatomy."
)
