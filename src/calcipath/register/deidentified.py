"""The register's table without identities: one row for each case, for an administrator.

What a row holds is listed here, not what it leaves out: a pseudonym, age in years (90 and over as one), sex, counts, and
dated numbers. Dates are shifted back by 1 to 365 days, the same for all of a case, so that intervals stay; the shift never
leaves the register. A date that is no whole day is left empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from calcipath.guideline.model import Guideline
from calcipath.record.model import Record, When
from calcipath.record.occurrences import YEAR
from calcipath.record.reader import RecordError, read_resources
from calcipath.record.recognition import recognise
from calcipath.register.accounts import Account, fresh
from calcipath.register.entries import resources_of
from calcipath.register.ground import Ground
from calcipath.register.refusals import NotAllowed
from calcipath.register.series import Measured, measured
from calcipath.sources.files import source_of
from calcipath.store.tables import case_files, case_photographs

OLDEST = 90  # years; from here on ages are not told apart (45 CFR 164.514(b)(2)(i)(C))
_SEXES = ("male", "female", "other", "unknown")
Extra = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class DatedValue:
    """One number: `date` is shifted, empty where the record does not say the day; `site` tells wounds apart, from 1."""

    name: str
    date: str
    value: float
    unit: str
    site: int = 0


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One case. `counts` are of events by kind, and of photographs; `extra` is what the caller's function said."""

    pseudonym: str
    age: str
    sex: str
    counts: Mapping[str, int]
    values: tuple[DatedValue, ...]
    extra: Mapping[str, object]


def register_table(
    ground: Ground, account: Account, guideline: Guideline, extra: Extra | None = None
) -> tuple[RegisterRow, ...]:
    """Every case of the register, in the order of pseudonyms. Raises `NotAllowed` but for an administrator.

    `extra` is given a case's resources and answers with columns of its own, which must tell nothing of who it is.
    """
    with ground.store.read() as connection:
        if not fresh(connection, account).administers:
            raise NotAllowed("only an administrator may take the register's table")
        cases = connection.execute(select(case_files).order_by(case_files.c.pseudonym)).mappings().all()
        counted = select(case_photographs.c.handle, func.count()).group_by(case_photographs.c.handle)
        photographs = {row[0]: row[1] for row in connection.execute(counted)}
        rows = []
        for case in cases:
            resources = resources_of(connection, case["handle"])
            own = extra(resources) if extra is not None else {}
            shift, pictures = case["date_shift"], photographs.get(case["handle"], 0)
            rows.append(_row(case["pseudonym"], shift, pictures, resources, guideline, own))
    ground.noted("table-taken", account.name)
    return tuple(rows)


def _row(
    pseudonym: str,
    shift: int,
    photographs: int,
    resources: Sequence[Mapping[str, Any]],
    guideline: Guideline,
    extra: Mapping[str, object],
) -> RegisterRow:
    try:
        record = read_resources(source_of(resources).resources).record
    except RecordError:  # of two patients: there is no row that speaks for both
        return RegisterRow(pseudonym, "", "", {"photographs": photographs}, (), extra)
    findings = recognise(record.events, guideline.vocabulary, read_notes=False).findings
    values = sorted((_dated(each, shift) for each in measured(findings, guideline)), key=_order)
    counts: dict[str, int] = {**Counter(str(event.kind) for event in record.events), "photographs": photographs}
    sex = record.patient.sex if record.patient.sex in _SEXES else ""
    return RegisterRow(pseudonym, _age(record), sex, counts, tuple(values), extra)


def _order(value: DatedValue) -> tuple[str, int, str, float]:
    return value.name, value.site, value.date, value.value


def _dated(value: Measured, shift: int) -> DatedValue:
    return DatedValue(value.name, _shifted(value.when, shift), value.value, value.unit, value.site)


def _shifted(when: When | None, shift: int) -> str:
    if when is None or len(when.written) < len("2026-11-30"):
        return ""
    try:
        return (date.fromisoformat(when.written[:10]) - timedelta(days=shift)).isoformat()
    except (ValueError, OverflowError):
        return ""


def _age(record: Record) -> str:
    """Years at the newest date of the record, or at death; empty where birth or that date is not known."""
    born, died, ends = record.patient.born, record.patient.died, record.ends
    until = min((when.latest for when in (died, ends) if when is not None), default=None)
    if born is None or until is None or until < born.earliest:
        return ""
    if (until - born.earliest) / YEAR >= OLDEST:
        return f"{OLDEST}+"
    return str(int(max(0.0, until - (born.earliest + born.latest) / 2) / YEAR))
