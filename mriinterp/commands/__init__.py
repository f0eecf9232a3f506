"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import cohort, explain, listing, simulate, study, train, trust

COMMANDS = (explain, study, cohort, listing, simulate, train, trust)

__all__ = ["COMMANDS"]
