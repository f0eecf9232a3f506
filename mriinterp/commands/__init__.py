"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import explain, listing, simulate, study, train, trust

COMMANDS = (explain, study, listing, simulate, train, trust)

__all__ = ["COMMANDS"]
