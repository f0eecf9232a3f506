"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import cohort, explain, listing, paper, simulate, study, train, trust

COMMANDS = (explain, study, cohort, paper, listing, simulate, train, trust)

__all__ = ["COMMANDS"]
