"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import explain, listing, simulate, study, train

COMMANDS = (explain, study, listing, simulate, train)

__all__ = ["COMMANDS"]
