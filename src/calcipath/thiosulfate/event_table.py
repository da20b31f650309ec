"""Event tables in the NONMEM layout: doses, levels and dialysis sessions as rows in order of time.

Columns (any order, any case): ID, TIME (h), AMT (mmol), RATE (mmol/h; 0 or missing is a bolus), EVID (0 level, 1 dose,
2 other, 3 reset, 4 reset and dose), CMT (central only), DV (mmol/L), ADDL and II (h), SS, MDV; and optionally BLQ
(1: below quantification) with LLOQ (mmol/L), DIAL (1 on dialysis, 0 off) and WT (kg). A cell of `.` or nothing is
missing. Layout: NONMEM Users Guides, part V, chapter 6.

The same rows mean different sessions to different programs: NONMEM and mrgsolve carry a covariate *backward* (a value
holds since the record before, up to its own record), rxode2 *forward* (from its record on, until the next). The rule is
therefore an argument, and records without DIAL say nothing about dialysis.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from calcipath.errors import InputError
from calcipath.thiosulfate.event_table_writing import COLUMNS, MISSING, Carry, check_carry, write_event_table
from calcipath.thiosulfate.subject import LONGEST_INFUSION, Dose, Level, Session, Subject, checked_level
from calcipath.thiosulfate.timeline import DIGITS

__all__ = ["Carry", "Dose", "Level", "Session", "Subject", "ignored_columns", "read_event_table", "write_event_table"]

MOST_REPEATS = 10_000


def read_event_table(text: str, *, carry: Carry = "backward") -> tuple[Subject, ...]:
    """Read an event table; `carry` says for which time a DIAL value holds (see the module).

    ADDL and II are expanded. A reset (EVID 3 or 4) ends what runs and what is still to be repeated, and begins a new
    occasion of the subject, whose clock may start again. A level that MDV marks as missing is left out, and so are
    unknown columns (`ignored_columns` lists them). SS is refused: steady state rests on equal spacing and a constant
    clearance, which dialysis does not have; and off dialysis how many earlier doses it stands for depends on the
    clearance. Raises `InputError` with the line, the column and what to do.
    """
    check_carry(carry)
    rows = list(_rows(text))
    occasions = list(_occasions(rows))
    subjects = []
    for number, (own, count) in enumerate(occasions):
        following = occasions[number + 1][0][0] if number + 1 < len(occasions) else None
        same = following is not None and following.id == own[0].id and following.time >= own[-1].time
        subjects.append(_subject(own, count, following if same else None, carry))
    return tuple(subjects)


def ignored_columns(text: str) -> tuple[str, ...]:
    """The columns of a table, as written there, that `read_event_table` does not know."""
    _, header = _header(_lines(text))
    return tuple(name for name in header if name.upper() not in COLUMNS)


@dataclass(frozen=True, slots=True)
class _Row:
    """One record. Its methods read a cell, or raise `InputError` with the line and the column."""

    line: int
    cells: dict[str, str]
    id: str = ""
    time: float = 0.0
    evid: int = 0

    def fault(self, column: str, sentence: str) -> InputError:
        return InputError(f"line {self.line}, column {column}: {sentence}")

    def number(self, column: str) -> float | None:
        text = self.cells.get(column, "")
        if text in MISSING:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or "_" in text:
            raise self.fault(column, f"{text!r} is not a number; write a plain number, or '.' where it is missing")
        return value

    def choice(self, column: str, allowed: range) -> int | None:
        value = self.number(column)
        if value is not None and value not in allowed:
            raise self.fault(column, f"{value:g} is not one of {allowed[0]} to {allowed[-1]}; correct it or write '.'")
        return None if value is None else int(value)

    def positive(self, column: str, unit: str) -> float | None:
        value = self.number(column)
        if value is not None and value <= 0.0:
            raise self.fault(column, f"{value:g} is not above zero; give it in {unit}, or '.' where it is missing")
        return value

    @property
    def doses(self) -> bool:
        return self.evid in (1, 4)

    @property
    def dial(self) -> int | None:
        return self.choice("DIAL", range(2))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader([line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")])
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as problem:
        raise InputError(
            f"line {reader.line_num} cannot be read as CSV ({problem}); check its quotation marks"
        ) from None


def _header(lines: Iterator[tuple[int, list[str]]]) -> tuple[int, list[str]]:
    line, header = next(lines, (0, []))
    if not header:
        raise InputError("the event table is empty; its first line must name the columns, ID and TIME at least")
    names = [name.upper() for name in header]
    for needed in ("ID", "TIME"):
        if needed not in names:
            raise InputError(
                f"line {line}, column {needed}: it is not in the header; add it (names are set apart by commas)"
            )
    for name in COLUMNS:
        if names.count(name) > 1:
            raise InputError(f"line {line}, column {name}: it stands twice in the header; keep one")
    return line, header


def _rows(text: str) -> Iterator[_Row]:
    lines = _lines(text)
    _, header = _header(lines)
    names = [name.upper() for name in header]
    for line, values in lines:
        if len(values) != len(names):
            column = header[len(values)] if len(values) < len(names) else header[-1]
            raise InputError(
                f"line {line}, column {column}: the record has {len(values)} cells, the header {len(names)}; "
                "write '.' for each missing cell"
            )
        yield _identified(_Row(line, dict(zip(names, values, strict=True))))


def _identified(row: _Row) -> _Row:
    if row.cells["ID"] in MISSING:
        raise row.fault("ID", "it is missing; give the subject's number or name")
    if ":" in row.cells["TIME"]:
        raise row.fault("TIME", "it is a clock time; give hours since one fixed moment")
    time = row.number("TIME")
    if time is None:
        raise row.fault("TIME", "it is missing; give hours")
    evid = row.choice("EVID", range(5))
    if evid is None:  # as NM-TRAN does
        evid = 1 if row.number("AMT") else 0
    return _Row(row.line, row.cells, row.cells["ID"], round(time, DIGITS), evid)


def _occasions(rows: list[_Row]) -> Iterator[tuple[list[_Row], int]]:
    """The records of each subject between resets, with the number of the occasion."""
    own: list[_Row] = []
    count, seen = 1, set[str]()
    for row in rows:
        reset = row.evid in (3, 4)
        if own and (row.id != own[-1].id or reset):
            yield own, count
            count = count + 1 if row.id == own[-1].id else 1
            own = []
        elif own and row.time < own[-1].time:
            raise row.fault(
                "TIME", f"{row.time:g} h comes after {own[-1].time:g} h; sort the records of {row.id} by time"
            )
        if count == 1 and not own and row.id in seen:
            raise row.fault("ID", f"{row.id} had records further up; keep all records of a subject together")
        seen.add(row.id)
        own.append(row)
    if own:
        yield own, count


def _subject(rows: list[_Row], count: int, reset: _Row | None, carry: Carry) -> Subject:
    """The subject of an occasion; `reset` is the record that ends it, where one does."""
    sessions = (_carried_backward if carry == "backward" else _carried_forward)(rows, reset)
    dialysed = any(row.dial == 1 for row in rows)
    given = [(dose, row) for row in rows for dose in _doses(row, dialysed)]
    levels = [(level, row) for row in rows for level in _levels(row)]
    for level, row in levels:
        _refuse_level_beside_bolus(level, row, given)
    doses = [_until(dose, reset) for dose, _ in given]
    return Subject(
        rows[0].id,
        tuple(dose for dose in doses if dose is not None),
        tuple(level for level, _ in levels),
        _joined(sessions),
        _weight(rows),
        count,
    )


def _until(dose: Dose, reset: _Row | None) -> Dose | None:
    """What is given of a dose before a reset."""
    if reset is None or (dose.start + dose.duration <= reset.time):
        return dose
    if dose.start >= reset.time:
        return None
    part = reset.time - dose.start
    return Dose(dose.start, dose.amount * part / dose.duration, part)


def _doses(row: _Row, dialysed: bool) -> Iterator[Dose]:
    if row.number("CMT") not in (None, 0.0, 1.0):
        raise row.fault("CMT", "only the central compartment is dosed and measured; write 1")
    if not row.doses:
        for column in ("AMT", "RATE", "ADDL", "SS"):
            if row.number(column):
                raise row.fault(
                    column, f"a record of EVID {row.evid} cannot have it; set EVID to 1 for a dose, or remove it"
                )
        return
    _refuse_steady_state(row, dialysed)
    amount = row.positive("AMT", "mmol")
    if amount is None:
        raise row.fault("AMT", "a dose needs its amount; give it in mmol")
    duration = _duration(row, amount)
    repeats = row.choice("ADDL", range(MOST_REPEATS + 1)) or 0
    spacing = row.number("II") or 0.0
    if spacing < 0.0 or bool(repeats) != bool(spacing):
        raise row.fault("II", "ADDL and II go together; give both (doses more, and hours between doses), or neither")
    yield from (Dose(round(row.time + each * spacing, DIGITS), amount, duration) for each in range(repeats + 1))


def _refuse_steady_state(row: _Row, dialysed: bool) -> None:
    if row.choice("SS", range(3)):
        reason = (
            "steady state assumes equal spacing and a constant clearance, which a subject on dialysis does not have"
            if dialysed
            else "how many earlier doses steady state stands for depends on the clearance, which the table does not hold"
        )
        raise row.fault("SS", f"{reason}; write the earlier doses as records, or with ADDL and II")


def _duration(row: _Row, amount: float) -> float:
    rate = row.number("RATE") or 0.0
    if rate in (-1.0, -2.0):
        raise row.fault("RATE", f"{rate:g} stands for a modelled rate or duration; give the rate in mmol/h")
    if rate < 0.0:
        raise row.fault("RATE", f"{rate:g} is negative; give mmol/h, or 0 for a bolus")
    hours = amount / rate if rate else 0.0
    if hours > LONGEST_INFUSION:
        raise row.fault("RATE", f"the infusion would last {hours:g} h; check the units of AMT (mmol) and RATE (mmol/h)")
    return round(hours, DIGITS)


def _levels(row: _Row) -> Iterator[Level]:
    value, absent = row.number("DV"), row.choice("MDV", range(2)) == 1
    if row.evid != 0:
        if value and not absent:
            raise row.fault(
                "DV", f"a record of EVID {row.evid} holds no level; give it a record with EVID 0, or set MDV 1"
            )
        return
    if absent:
        return
    below, limit = row.choice("BLQ", range(2)) == 1, row.positive("LLOQ", "mmol/L")
    if below and limit is None:
        raise row.fault("LLOQ", "a level below quantification needs it; give the assay's limit in mmol/L")
    if value is not None and value < 0.0:
        raise row.fault("DV", f"{value:g} is negative; give mmol/L, or mark the level BLQ 1 with its LLOQ")
    if value is None and not below:
        raise row.fault(
            "DV", "it is missing; give the level in mmol/L, or set MDV to 1 (EVID to 2) where none was measured"
        )
    if value is not None and limit is not None and ((value > limit) if below else (value < limit)):
        side = "above" if below else "below"
        raise row.fault(
            "BLQ", f"DV {value:g} lies {side} LLOQ {limit:g} mmol/L, but BLQ is {int(below)}; correct one of them"
        )
    yield checked_level(row.time, value or 0.0, below, limit, f"line {row.line}")


def _refuse_level_beside_bolus(level: Level, row: _Row, given: list[tuple[Dose, _Row]]) -> None:
    """A level at the time of a bolus is the one after it only where the order of records says so."""
    for dose, source in given:
        if dose.duration or dose.start != level.time or (source.time == dose.start and source.line < row.line):
            continue
        raise row.fault(
            "TIME",
            f"the level stands at the time of a bolus (line {source.line}) that does not precede it as a record of its "
            "own, so it may be from before or after it; set the times apart",
        )


def _carried_backward(rows: list[_Row], reset: _Row | None) -> list[tuple[float, float, int]]:
    marks = [(row.time, row.dial, row) for row in (*rows, *([reset] if reset else [])) if row.dial is not None]
    if marks and rows[-1].time > marks[-1][0]:
        raise rows[-1].fault("DIAL", "no record from here on states it, and it is carried backward; state it (1 or 0)")
    times = [rows[0].time, *(time for time, _, _ in marks)]
    return [(begin, end, int(dial or 0)) for (begin, end), (_, dial, _) in zip(pairwise(times), marks, strict=True)]


def _carried_forward(rows: list[_Row], reset: _Row | None) -> list[tuple[float, float, int]]:
    marks = [(row.time, row.dial, row) for row in rows if row.dial is not None]
    if not marks:
        return []
    if rows[0].time < marks[0][0]:
        raise rows[0].fault("DIAL", "no record up to here states it, and it is carried forward; state it (1 or 0)")
    last = marks[-1][2]
    if last.dial == 1 and reset is None:
        raise last.fault("DIAL", "the last session has no end; add a record with EVID 2 and DIAL 0 at its end")
    times = [*(time for time, _, _ in marks), reset.time if reset else last.time]
    return [(begin, end, int(dial or 0)) for (begin, end), (_, dial, _) in zip(pairwise(times), marks, strict=True)]


def _joined(spans: list[tuple[float, float, int]]) -> tuple[Session, ...]:
    """Sessions from spans on and off; a span off, even of no length, sets two sessions apart."""
    found: list[Session] = []
    running = False
    for begin, end, dial in spans:
        if dial == 0:
            running = False
        elif end > begin:
            found.append(Session(found.pop().start if running else begin, end))
            running = True
    return tuple(found)


def _weight(rows: list[_Row]) -> float | None:
    weight: float | None = None
    for row in rows:
        stated = row.positive("WT", "kg")
        if weight is not None and stated not in (None, weight):
            raise row.fault("WT", f"it changes from {weight:g} to {stated:g} kg; keep one weight for a subject")
        weight = stated if weight is None else weight
    return weight
