"""For all tests: no example of a property fails because the machine was busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("calcipath", deadline=None)
settings.load_profile("calcipath")
