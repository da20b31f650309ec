"""calcipath: decision support for calciphylaxis."""

__version__ = "0.1.0"
