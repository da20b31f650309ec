"""What the guideline's value sets and unit tables say, as CSV files for a query written by hand; and the compiled parts of it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from calcipath.api import load_guideline
from calcipath.guideline.model import Fact, Guideline
from calcipath.population.dialect import DUCKDB
from calcipath.population.forms import VOTES, FormReader
from calcipath.population.picking_sql import FactRule, fact_rules, fact_table_sql
from calcipath.population.results import judged_query, patients_sql
from calcipath.record.model import Quantity
from calcipath.record.quantities import QuantityProblem, conversion_of

UNITS = (
    "mg/dL", "g/dL", "g/L", "mmol/L", "umol/L", "nmol/L", "pmol/L", "pg/mL", "ng/L", "ng/mL", "ug/L", "mg/L", "U/L", "IU/L", "%",
    "10*3/uL", "10*9/L", "10*6/uL", "mL/min/{1.73_m2}", "mL/min", "kg", "[lb_av]", "kg/m2", "cm", "m", "mm[Hg]", "/min", "Cel",
    "[degF]", "{INR}", "1", "meq/L", "mm/h", "s", "ug/dL", "h", "min", "mg", "g",
)  # fmt: skip


def write_rules(folder: Path) -> None:
    """`code.csv`, `unit.csv` and `fact.csv` into a folder."""
    guideline = load_guideline()
    facts = FormReader(guideline, notes=False).facts
    _write(folder / "code.csv", ("system", "code", "match", "fact", "kind"), _codes(guideline, facts))
    _write(folder / "unit.csv", ("fact", "unit", "factor", "shift"), _units(guideline, facts))
    _write(folder / "fact.csv", [each.name for each in fields(FactRule)], map(astuple, fact_rules(facts)))


def compiled() -> tuple[str, str]:
    """The SQL of the facts' table from what was picked, and that of the patients' answers from the facts."""
    guideline = load_guideline()
    facts = FormReader(guideline, notes=False).facts
    table = fact_table_sql(facts, frozenset(), DUCKDB, "SELECT * FROM spoken")
    return table, patients_sql(guideline, facts, judged_query(guideline).sql)


def _codes(guideline: Guideline, facts: Sequence[Fact]) -> Iterable[tuple[object, ...]]:
    vocabulary = guideline.vocabulary
    for match, table in (("exact", vocabulary._exact), ("prefix", vocabulary._prefix)):  # noqa: SLF001  nobody else wants them
        for (system, code), concepts in table.items():
            for number, fact in enumerate(facts):
                if set(concepts) & set(fact.concepts) and fact.kind in (*VOTES, "quantity"):
                    yield system, code, match, number, "vote" if fact.kind in VOTES else "value"


def _units(guideline: Guideline, facts: Sequence[Fact]) -> Iterable[tuple[object, ...]]:
    for number, fact in enumerate(facts):
        for unit in UNITS if fact.kind == "quantity" else ():
            read = conversion_of(
                Quantity(1.0, unit, unit, ""),
                unit=fact.type.unit,
                aliases=guideline.aliases,
                analyte=fact.analyte,
                accepted_units=fact.accepted_units,
            )
            if not isinstance(read, QuantityProblem):
                yield number, unit, read.factor, read.shift


def _write(file: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(head)
        writer.writerows(rows)
