"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("calcipath", deadline=None)  # a timing is never a test's pass condition
settings.load_profile("calcipath")
