"""The entries of a source, read in one pass over each of its parts.

A sample tells most of the contents of a part. They are read and numbered first; the pass then keeps the number of an
entry's content, and the content itself only where the sample did not have it. Those are numbered afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import duckdb

from calcipath.population.duckdb_engine import JOIN_CHOICES, Database
from calcipath.population.fhir_files import BadLine, bad_lines
from calcipath.population.fhir_sql import HAS_ID, newest_sql
from calcipath.population.source import Part, Source

SAMPLE: Final = 50_000  # entries
ENTRY: Final = (
    "patient INTEGER, stranger VARCHAR, named UBIGINT, reference VARCHAR, content INTEGER, late VARCHAR, "
    "started VARCHAR, ended VARCHAR, recorded VARCHAR, value DOUBLE, visit VARCHAR, updated VARCHAR, version VARCHAR, "
    "odd VARCHAR, file VARCHAR"
)


class NotAsItsHead(Exception):  # noqa: N818  no error: the source is then looked through
    """A file holds other types of resources than its first lines promise, or cannot be read to its end."""


class EntryReading:
    """Makes the tables `content` (number, content) and `entry` of a source; the tables of patients must be there.

    `learn` is told the last number before new contents, and has to read them into the table `speaking` (the numbers of
    those that bear on a fact). `silent_dates`: whether entries that bear on none keep their dates.
    """

    def __init__(
        self, database: Database, source: Source, *, notes: bool, silent_dates: bool, learn: Callable[[int], None]
    ) -> None:
        self._database, self._source = database, source
        self._notes, self._silent_dates, self._learn = notes, silent_dates, learn

    def read(self, step: Callable[..., None]) -> None:
        """Read all parts. Raises `NotAsItsHead`."""
        run = self._database.run
        run("CREATE OR REPLACE TABLE content (number INTEGER, content VARCHAR)")
        run("CREATE OR REPLACE TABLE speaking (content INTEGER)")
        run(f"CREATE OR REPLACE TABLE entry ({ENTRY})")
        run(f"SET disabled_optimizers = '{JOIN_CHOICES}'")
        run("SET preserve_insertion_order = true")  # the place of an entry is its last word among versions
        whole, done = sum(part.size for part in self._source.parts), 0
        for part in self._source.parts:
            step("entries", done / whole)
            self._read_part(part)
            done += part.size
        run("SET preserve_insertion_order = false")
        run("RESET disabled_optimizers")
        step("versions")
        run(
            "CREATE OR REPLACE TABLE counted AS SELECT content, count(*) AS entries FROM entry WHERE odd IS NULL GROUP BY 1"
        )
        self._drop_older_versions()
        self._add_strangers()
        self._date_by_visits()

    def unreadable(self) -> tuple[dict[str, int], tuple[BadLine, ...]]:
        """How many lines of each file could not be read, and the first of them."""
        found = dict(self._database.run("SELECT file, count(*) FROM entry WHERE odd = '' GROUP BY file ORDER BY file"))
        return {str(file): int(number) for file, number in found.items()}, tuple(bad_lines(found))

    def _read_part(self, part: Part) -> None:
        try:
            self._pass(self._with_notes(part.events))
        except duckdb.Error:
            if self._source.looked_through is None:
                raise
            raise NotAsItsHead from None  # the second look says which file it is
        if self._database.count("SELECT count(*) FROM entry WHERE odd <> ''"):
            raise NotAsItsHead
        since = self._number("SELECT DISTINCT late FROM entry WHERE late IS NOT NULL AND content IS NULL")
        self._database.run(
            "UPDATE entry SET content = c.number FROM content c "
            f"WHERE c.number > {since} AND entry.content IS NULL AND entry.late = c.content"
        )

    def _pass(self, events: str) -> None:
        sample = f"SELECT content FROM ({events}) WHERE odd IS NULL LIMIT {SAMPLE}"
        since = self._number(f"SELECT DISTINCT content FROM ({sample})")
        self._database.run(
            "CREATE OR REPLACE TABLE known AS SELECT number, content, number IN (SELECT content FROM speaking) AS speaks "
            f"FROM content WHERE number > {since}"
        )
        self._database.run(f"INSERT INTO entry {self._numbered(events)}")

    def _number(self, found: str) -> int:
        """Number new contents and have them read; gives the last number before them."""
        since = self._database.count("SELECT max(number) FROM content")
        self._database.run(
            f"INSERT INTO content SELECT {since} + row_number() OVER (), * FROM ({found}) AS found(content) "
            "WHERE content IS NOT NULL"
        )
        self._learn(since)
        return since

    def _with_notes(self, part: str) -> str:
        """A part of the source; with notes, the free text is part of the content."""
        if not self._notes:
            return part
        whole = "concat(substr(content, 1, length(content) - 1), ',', substr(notes, 2))"
        return f"SELECT * REPLACE (CASE WHEN notes IS NULL THEN content ELSE {whole} END AS content) FROM ({part})"

    def _numbered(self, part: str) -> str:
        """Entries with the numbers of patient and content; those of unknown patients keep the patient's id.

        Of one that bears on no fact little is kept: it may still be a newer version, or the end of a record.
        """

        def told(column: str, *, always: bool = False) -> str:
            return f"s.{column}" if always else f"CASE WHEN c.speaks IS NOT FALSE THEN s.{column} END AS {column}"

        columns = (
            "p.patient",
            "CASE WHEN p.patient IS NULL THEN s.patient END AS stranger",
            f"CASE WHEN {HAS_ID} THEN hash(s.reference) END AS named",
            told("reference"),
            "c.number AS content",
            "CASE WHEN c.number IS NULL AND s.odd IS NULL THEN s.content END AS late",
            *(told(date, always=self._silent_dates) for date in ("started", "ended", "recorded")),
            told("value"),
            told("visit", always=self._silent_dates),
            *(f"s.{name}" for name in ("updated", "version", "odd", "file")),
        )
        return (
            f"SELECT {', '.join(columns)} FROM ({part}) AS s LEFT JOIN known c ON s.content = c.content "
            "LEFT JOIN patient p ON s.patient = p.id"
        )

    def _drop_older_versions(self) -> None:
        """Of entries that come more than once, wherever they stand, the newest version stays, as for one patient."""
        run = self._database.run
        run(
            "CREATE OR REPLACE TABLE twice AS SELECT named FROM entry WHERE named IS NOT NULL AND odd IS NULL "
            "GROUP BY named HAVING count(*) > 1"
        )
        if not self._database.count("SELECT count(*) FROM twice"):
            return
        run(
            "CREATE OR REPLACE TEMP TABLE several AS SELECT rowid AS place, patient, stranger, named, updated, version "
            "FROM entry WHERE odd IS NULL AND named IN (SELECT named FROM twice)"
        )
        newest = f"SELECT max_by(place, {newest_sql('place')}) FROM several GROUP BY patient, stranger, named"
        run(f"DELETE FROM entry WHERE rowid IN (SELECT place FROM several WHERE place NOT IN ({newest}))")

    def _add_strangers(self) -> None:
        """Patients that entries name although no Patient resource does: nothing is known of them, and they count."""
        run = self._database.run
        run(
            "INSERT INTO patient (patient, id) SELECT (SELECT coalesce(max(patient), 0) FROM patient) + row_number() OVER (), "
            "stranger FROM (SELECT DISTINCT stranger FROM entry WHERE stranger IS NOT NULL AND odd IS NULL)"
        )
        # Moved to the end, not updated: the engine skips blocks by the patients in them, and one stranger in each would let
        # it skip none.
        theirs = "stranger IS NOT NULL AND odd IS NULL"
        run(
            "CREATE OR REPLACE TEMP TABLE found_again AS SELECT e.* REPLACE (p.patient AS patient) FROM entry e "
            f"JOIN patient p ON e.stranger = p.id WHERE {theirs}"
        )
        run(f"DELETE FROM entry WHERE {theirs}")
        run("INSERT INTO entry FROM found_again")
        run("DROP TABLE found_again")

    def _date_by_visits(self) -> None:
        needed = "SELECT visit FROM entry WHERE visit IS NOT NULL AND recorded IS NULL AND odd IS NULL"
        if self._source.visits is not None and self._database.count(f"SELECT count(*) FROM ({needed})"):
            starts = self._source.visits(needed)
            self._database.run(f"UPDATE entry SET recorded = v.start FROM ({starts}) AS v WHERE entry.visit = v.id")
