"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import explain, listing, simulate, train

COMMANDS = (explain, listing, simulate, train)

__all__ = ["COMMANDS"]
