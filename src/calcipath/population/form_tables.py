"""What contents say, as Arrow tables to be sent to a cluster; the same columns as the tables of the embedded engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]

from calcipath.guideline.model import Fact
from calcipath.population.duckdb_engine import FORM_TABLES
from calcipath.population.forms import EVENTS_OF_ONE, Forms
from calcipath.population.picking_sql import FactRule, fact_rules

_TYPES: Final = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "str": pa.string()}


def form_tables(forms: Forms) -> dict[str, Any]:
    """The tables `form_...` by name; a NaN is null."""
    return {name: _table(row_type, getattr(forms, member)) for name, (member, row_type) in FORM_TABLES.items()}


def rule_table(facts: Iterable[Fact]) -> Any:
    """The table `fact_rule`."""
    return _table(FactRule, fact_rules(facts))


def speaking(forms: Forms) -> set[int]:
    """The numbers of the contents that bear on a fact, or tell of a stay in hospital."""
    rules = (forms.votes, forms.measures, forms.beginnings, forms.frequencies, forms.lengths)
    found = {row.event // EVENTS_OF_ONE for rows in rules for row in rows}
    return found | {row.content for row in forms.events if row.stay}


def _table(row_type: type, rows: Sequence[Any]) -> Any:
    columns = {}
    for each in fields(row_type):
        values = (getattr(row, each.name) for row in rows)
        columns[each.name] = pa.array(map(_known, values), type=_TYPES[str(each.type).split(" ")[0]])
    return pa.table(columns)


def _known(value: Any) -> Any:
    return None if value != value else value
