"""The words of the page in the reader's language."""

from calcipath.language import _, catalogue, speaking

__all__ = ["_", "catalogue", "speaking"]
