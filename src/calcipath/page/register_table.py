"""The register without identities, as a file for an administrator."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from calcipath.errors import InputError
from calcipath.page.case_reading import CaseReading
from calcipath.page.responses import attachment
from calcipath.page.visit import Visit
from calcipath.register.register import Register


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """The table of a register, with what the guideline says of each case."""

    register: Register
    reading: CaseReading

    def table(self, visit: Visit) -> Response:
        """The register without identities, as CSV: one row a value, and one a case without values."""
        rows = self.register.table(visit.account, self.reading.assessor.guideline, self._verdicts)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        names = sorted({name for row in rows for name in (*row.counts, *row.extra)})
        writer.writerow(["case", "age", "sex", *names, "measure", "date", "value", "unit", "site"])
        for row in rows:
            told = {**row.counts, **row.extra}
            head = [row.pseudonym, row.age, row.sex, *(told.get(name, "") for name in names)]
            for value in row.values:
                told_of = [value.name, value.date, f"{value.value:g}", value.unit, value.site or ""]
                writer.writerow([*map(_cell, head), *told_of])
            if not row.values:
                writer.writerow([*map(_cell, head), "", "", "", "", ""])
        return attachment(stream.getvalue(), "text/csv; charset=utf-8", "calcipath-register.csv")

    def _verdicts(self, resources: Sequence[Mapping[str, Any]]) -> Mapping[str, object]:
        try:
            answer = self.reading.assessed(resources, {}).answer
        except InputError:
            return {"suspicion": "not readable", "course": ""}
        return {"suspicion": answer["suspicion"]["level"], "course": (answer.get("course") or {}).get("verdict", "")}


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
