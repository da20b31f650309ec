"""The fixtures of `store_fixtures`, for the tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from store_fixtures import new_postgres, new_schema, new_url, postgres, sqlite_url, store, url

__all__ = ["new_postgres", "new_schema", "new_url", "postgres", "sqlite_url", "store", "url"]
