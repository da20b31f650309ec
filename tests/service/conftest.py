"""The helper modules of these tests can be imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "thiosulfate", HERE.parent / "hooks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
