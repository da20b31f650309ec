"""Marks that stand in an entry's content for what differs from patient to patient.

The reader of one patient reads a marked content as it reads any resource: the marks of times become dates of the first
centuries, that of the number a number that no measurement has. Where they turn up in what was read says which time of
the entry is which. See docs/decisions/0009-populations-by-forms.md.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from calcipath.record.model import When


class TimeSource(IntEnum):
    """Where the time of an event stands: nowhere, in a column of the entry, or in the content itself."""

    NONE = 0
    STARTED = 1
    ENDED = 2
    RECORDED = 3
    CONTENT = 4


STARTED, ENDED, RECORDED, VALUE = "$started", "$ended", "$recorded", "$value"
SAMPLE_DATES: Final = {STARTED: "0003-03-03", ENDED: "0004-04-04", RECORDED: "0005-05-05"}
SAMPLE_NUMBER: Final = 1.2345678901234567e199
_SOURCES: Final = {
    SAMPLE_DATES[STARTED]: TimeSource.STARTED,
    SAMPLE_DATES[ENDED]: TimeSource.ENDED,
    SAMPLE_DATES[RECORDED]: TimeSource.RECORDED,
}


def with_samples(content: str) -> str:
    """A content with sample dates and a sample number in the place of its marks."""
    for mark, sample in SAMPLE_DATES.items():
        content = content.replace(f'"{mark}"', f'"{sample}"')
    return content.replace(f'"{VALUE}"', repr(SAMPLE_NUMBER))


def source_of(when: When | None) -> TimeSource:
    """Where a time that was read from a content with samples comes from."""
    if when is None:
        return TimeSource.NONE
    return _SOURCES.get(when.written, TimeSource.CONTENT)
