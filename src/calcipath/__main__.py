"""`python -m calcipath` is the command `calcipath`."""

from __future__ import annotations

import sys

from calcipath.cli import main

if __name__ == "__main__":
    sys.exit(main())
