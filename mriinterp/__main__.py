"""``python -m mriinterp``."""

import sys

from mriinterp.cli import main

if __name__ == "__main__":
    sys.exit(main())
