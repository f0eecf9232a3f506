"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import explain, listing, simulate

COMMANDS = (explain, listing, simulate)

__all__ = ["COMMANDS"]
