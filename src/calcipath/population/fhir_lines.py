"""Lines of FHIR Bulk Data files as an engine reads them, each member as JSON text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from calcipath.population.dialect import DUCKDB, Dialect

LARGEST_RESOURCE: Final = 16 * 1024 * 1024


class FhirLines(Protocol):
    """Lines of resources as an engine reads them; `marks` are columns beside the members, which go along."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def marks(self) -> tuple[str, ...]: ...

    @property
    def entry_marks(self) -> tuple[str, ...]:
        """Those of entries."""
        ...

    def lines(self, members: Iterable[str], resource_type: str) -> str:
        """A select in parentheses of all resources of a type, each member as JSON text."""
        ...

    def entries(self, members: Iterable[str], resource_type: str) -> str:
        """The same with the marks of entries."""
        ...


@dataclass(frozen=True, slots=True)
class FhirFiles:
    """Files by what they hold: one resource type alone, or (key '') several.

    `checked`: that they hold one type is still to be seen, for those of entries. Lines of other types are then not left
    out; `odd` tells their type (empty: it cannot be read), and `file` where they stand.
    """

    by_type: dict[str, tuple[str, ...]]
    checked: bool = False

    @property
    def dialect(self) -> Dialect:
        """DuckDB reads them."""
        return DUCKDB

    @property
    def marks(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def entry_marks(self) -> tuple[str, ...]:
        """What does not belong among the entries."""
        return ("odd", "file")

    def lines(self, members: Iterable[str], resource_type: str) -> str:
        """All resources of a type."""
        return lines_sql(self.of(resource_type), members, resource_type)

    def entries(self, members: Iterable[str], resource_type: str) -> str:
        """All resources of a type with the marks; where it is to be seen, all lines."""
        if not self.checked:
            nothing = "CAST(NULL AS VARCHAR) AS odd, CAST(NULL AS VARCHAR) AS file"
            return f"(SELECT *, {nothing} FROM {self.lines(members, resource_type)})"
        other = f"coalesce(resourceType <> '\"{resource_type}\"', true)"
        return (
            f"(SELECT *, CASE WHEN {other} THEN coalesce(resourceType ->> '$', '') END AS odd, "
            f"CASE WHEN {other} THEN filename END AS file "
            f"FROM {all_lines_sql(self.of(resource_type), members, named=True)})"
        )

    def of(self, resource_type: str) -> tuple[str, ...]:
        """The files in which resources of the type may stand."""
        return (*self.by_type.get(resource_type, ()), *self.by_type.get("", ()))


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def all_lines_sql(files: Sequence[str], members: Iterable[str] = (), *, named: bool = False) -> str:
    """The members of all lines (and, `named`, the file); one that cannot be read gives nulls."""
    columns = ", ".join(f"{quoted(member)}: 'JSON'" for member in dict.fromkeys((*members, "id", "resourceType")))
    listed = ", ".join(quoted(file) for file in files)
    return (
        f"read_json([{listed}], format='newline_delimited', ignore_errors=true, "
        f"maximum_object_size={LARGEST_RESOURCE}, filename={str(named).lower()}, columns={{{columns}}})"
    )


def lines_sql(files: Sequence[str], members: Iterable[str], resource_type: str) -> str:
    """The members of all resources of a type."""
    return f"(SELECT * FROM {all_lines_sql(files, members)} WHERE resourceType = '\"{resource_type}\"')"
