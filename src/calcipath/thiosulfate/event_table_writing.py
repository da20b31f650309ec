"""Writing event tables in the NONMEM layout, which `event_table` describes and reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from calcipath.errors import InputError
from calcipath.thiosulfate.subject import Dose, Level, Subject

Carry = Literal["backward", "forward"]
COLUMNS = (
    "ID", "TIME", "EVID", "AMT", "RATE", "CMT", "DV", "MDV", "ADDL", "II", "SS", "BLQ", "LLOQ", "DIAL", "WT",
)  # fmt: skip
MISSING = ("", ".")


def write_event_table(subjects: Sequence[Subject], *, carry: Carry = "backward") -> str:
    """Write an event table (CSV) that `read_event_table` reads back to the same subjects under the same `carry`.

    Each switch of dialysis is an EVID 2 record, and every record of a subject with sessions has its DIAL. Raises
    `InputError` for an ID that a table cannot hold, or occasions out of order.
    """
    check_carry(carry)
    lines, seen = [",".join(COLUMNS)], dict[str, int]()
    before = ""
    for subject in subjects:
        _check_place(subject, before, seen)
        before = subject.id
        seen[subject.id] = subject.occasion
        lines += (",".join(cells.get(column, ".") for column in COLUMNS) for cells in _records(subject, carry))
    return "\n".join(lines) + "\n"


def check_carry(carry: str) -> None:
    if carry not in ("backward", "forward"):
        raise InputError(f"carry must be 'backward' or 'forward', not {carry!r}")


def _check_place(subject: Subject, before: str, seen: dict[str, int]) -> None:
    name = subject.id
    if name in MISSING or name != name.strip() or name.startswith("#") or any(sign in name for sign in ',"\r\n\ufeff'):
        raise InputError(f"the subject's ID {name!r} cannot stand in an event table; use letters and digits")
    if name in seen and name != before:
        raise InputError(f"subject {name} occurs at two places; put its occasions one after the other")
    if subject.occasion != seen.get(name, 0) + 1:
        raise InputError(f"subject {name} has occasion {subject.occasion} where {seen.get(name, 0) + 1} is due")


def _records(subject: Subject, carry: Carry) -> list[dict[str, str]]:
    """The records of a subject: at one time, switches come first when carried forward and last when backward."""
    at_time = 0 if carry == "forward" else 2
    rows: list[tuple[float, int, dict[str, str]]] = []
    for session in subject.sessions:
        start, end = ("1", "0") if carry == "forward" else ("0", "1")
        rows += [(session.start, at_time, _other(start)), (session.end, at_time, _other(end))]
    rows += [(dose.start, 1, _dose_cells(dose)) for dose in subject.doses]
    rows += [(level.time, 1, _level_cells(level)) for level in subject.levels]
    rows.sort(key=lambda row: row[:2])
    if not rows:
        rows = [(0.0, 1, {"EVID": "2"})]
    if subject.occasion > 1:
        rows.insert(0, (rows[0][0], 1, {"EVID": "3"}))
    fixed = {"ID": subject.id, "MDV": "1", **({} if subject.weight is None else {"WT": _text(subject.weight)})}
    if subject.sessions:
        rows = [(time, place, {"DIAL": _dial(subject, time, carry), **cells}) for time, place, cells in rows]
    return [{**fixed, "TIME": _text(time), **cells} for time, _, cells in rows]


def _dial(subject: Subject, time: float, carry: Carry) -> str:
    if carry == "forward":
        return str(int(any(start <= time < end for start, end in subject.sessions)))
    return str(int(any(start < time <= end for start, end in subject.sessions)))


def _other(dial: str) -> dict[str, str]:
    return {"EVID": "2", "DIAL": dial}


def _dose_cells(dose: Dose) -> dict[str, str]:
    rate = dose.amount / dose.duration if dose.duration else 0.0
    return {"EVID": "1", "AMT": _text(dose.amount), "RATE": _text(rate), "CMT": "1"}


def _level_cells(level: Level) -> dict[str, str]:
    cells = {"EVID": "0", "CMT": "1", "DV": _text(level.value), "MDV": "0", "BLQ": str(int(level.below))}
    return cells if level.lower_limit is None else {**cells, "LLOQ": _text(level.lower_limit)}


def _text(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
