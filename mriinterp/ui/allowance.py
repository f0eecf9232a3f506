"""Whether this server may run code that comes with studies: a matter of how it was started, and of nothing else."""

from __future__ import annotations

import sys

__all__ = ["ALLOW_CODE", "code_allowed"]

ALLOW_CODE = "--allow-code"


def code_allowed() -> bool:
    """Return whether the server was started with ``--allow-code``."""
    return ALLOW_CODE in sys.argv[1:]
