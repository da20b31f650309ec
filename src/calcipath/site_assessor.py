"""The assessor of a site: the shipped guideline with the site's configuration, kept until its file changes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from calcipath.assessment.assess import Assessor
from calcipath.guideline.reader import Content, Site, read_guideline
from calcipath.guideline.shipped import shipped_content
from calcipath.site_configuration import read_site_configuration


@lru_cache(maxsize=1)
def _content() -> Content:
    return shipped_content()


def assessor_for(config: str) -> tuple[Assessor, Site]:
    """The assessor for a site; made again when the site's file has changed."""
    stamp = Path(config).stat().st_mtime_ns if config and Path(config).exists() else 0
    return _assessor_as_of(config, stamp)


@lru_cache(maxsize=4)
def _assessor_as_of(config: str, _changed: int) -> tuple[Assessor, Site]:
    content = _content()
    guideline = read_guideline(content)
    if not config:
        return Assessor(guideline), Site()
    names = frozenset(row["value_set"] for row in content.value_set_rows)
    site = read_site_configuration(config, guideline.vocabulary, names)
    return Assessor(read_guideline(content, site)), site
