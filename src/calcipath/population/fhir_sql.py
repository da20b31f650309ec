"""SQL that splits FHIR resources of Bulk Data files into the flat form (docs/decisions/0009-populations-by-forms.md).

Nothing is judged here. A date or number is taken out of an entry's content only where it is sure to be one; whatever
else stands there stays in the content, for the reader of one patient to see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from calcipath.population.dialect import DATE, DUCKDB, NOWHERE, Dialect, when_high, when_low
from calcipath.population.fhir_lines import FhirLines
from calcipath.population.fhir_members import EVERYWHERE, MEMBERS, Members
from calcipath.population.fhir_references import identifier_of, specimens_sql, whole
from calcipath.population.marks import ENDED, RECORDED, STARTED, VALUE

COLUMN_OF: Final = {STARTED: "started", ENDED: "ended", RECORDED: "recorded"}
QUANTITY: Final = ("value", "comparator", "unit", "system", "code")
USUAL: Final = frozenset({
    "status", "category", "code", "clinicalStatus", "verificationStatus", "interpretation", "referenceRange", "intent",
    "class", "type", "dosageInstruction", "medicationCodeableConcept",
})  # fmt: skip
TARGETS: Final = {
    "Medication": ("code", "identifier", "ingredient"),
    "Specimen": ("type", "collection"),
}


def text_of(member: str, dialect: Dialect = DUCKDB) -> str:
    """The text of a JSON string; null for anything else."""
    return f"CASE WHEN {dialect.is_string(member)} THEN {dialect.words_at(member, '$')} END"


def is_date(text: str, dialect: Dialect = DUCKDB) -> str:
    """Whether a text is surely a FHIR date, so that SQL arithmetic on it is right."""
    real = f"length({text}) < 10 OR try_cast(substr({text}, 1, 10) AS DATE) IS NOT NULL"
    sure = f"{dialect.matches(text, DATE)} AND substr({text}, 1, 4) NOT IN ('0000', '9999') AND ({real})"
    return f"coalesce({sure}, false)"


def patients_sql(files: FhirLines) -> str:
    """Every Patient resource in the flat form, with the marks of its version; several may have one id."""
    members = ("gender", "birthDate", "deceasedDateTime", "managingOrganization", "meta")
    dialect = files.dialect
    texts = (
        f"SELECT {text_of('id', dialect)} AS patient, {text_of('gender', dialect)} AS sex, "
        f"{text_of('birthDate', dialect)} AS born, {text_of('deceasedDateTime', dialect)} AS died, "
        f"managingOrganization AS organization, {_version(dialect)}{_listed(files.marks)} "
        f"FROM {files.lines(members, 'Patient')}"
    )
    site = (dialect.words_at("organization", part) for part in ("display", "reference"))
    return (
        f"SELECT patient, lower(trim(sex)) AS sex, CASE WHEN {is_date('born', dialect)} THEN born END AS birth_date, "
        f"CASE WHEN {is_date('died', dialect)} THEN died END AS death_date, "
        f"coalesce({', '.join(site)}) AS site, "
        f"updated, version{_listed(files.marks)} FROM ({texts}) WHERE patient IS NOT NULL"
    )


def _listed(marks: Iterable[str]) -> str:
    return "".join(f", {mark}" for mark in marks)


def _version(dialect: Dialect) -> str:
    """As written; what it tells is only asked where an entry has several (`version_order`)."""
    return f"{dialect.words_at('meta', 'lastUpdated')} AS updated, {dialect.words_at('meta', 'versionId')} AS version"


# An entry without an id is no version of another; its reference is empty or ends with the type.
HAS_ID: Final = "reference IS NOT NULL AND reference NOT LIKE '%/'"


def version_order(dialect: Dialect = DUCKDB) -> tuple[str, str]:
    """What orders the versions of one entry: when it was updated, and its number."""
    updated = f"CASE WHEN {is_date('updated', dialect)} THEN {when_low('updated', dialect)} ELSE {NOWHERE} END"
    number = f"CASE WHEN {dialect.matches('version', '[0-9]{1,17}')} THEN CAST(version AS BIGINT) ELSE -1 END"
    return updated, f"coalesce({number}, -1)"


def newest_sql(place: str) -> str:
    """The same as one value; at last by place, as in one record."""
    updated, number = version_order()
    return DUCKDB.struct(u=updated, v=number, p=place)


def targets_sql(files: FhirLines, resource_type: str) -> str:
    """Id and trimmed JSON of the resources that others refer to."""
    members, dialect = TARGETS[resource_type], files.dialect
    lines = files.lines(members, resource_type)
    trimmed = _object(resource_type, ['\',"id":"target"\'', *(whole(member, dialect) for member in members)], dialect)
    return f"SELECT {text_of('id', dialect)} AS id, {dialect.any_known(trimmed)} AS target FROM {lines} GROUP BY 1"


def visits_sql(files: FhirLines, wanted: str) -> str:
    """Id and start of the encounters whose id the query `wanted` gives."""
    dialect = files.dialect
    start = dialect.words_at("period", "start")
    starts = f"SELECT {text_of('id', dialect)} AS id, {start} AS start FROM {files.lines(('period',), 'Encounter')}"
    known = dialect.any_known(f"CASE WHEN {is_date('start', dialect)} THEN start END")
    return f"SELECT id, {known} AS start FROM ({starts}) WHERE id IN ({wanted}) GROUP BY id"


def events_sql(files: FhirLines, resource_type: str) -> str:
    """The flat events of one resource type, with the encounter that may date them and the version as written.

    Reads the tables `target_...` where the type refers to such resources.
    """
    return _Splitting(resource_type, MEMBERS[resource_type], files).sql()


def _object(resource_type: str, parts: Sequence[str], dialect: Dialect) -> str:
    return dialect.joined(f'\'{{"resourceType":"{resource_type}"\'', *parts, "'}'")


class _Splitting:
    """The SQL for one resource type, layer by layer."""

    def __init__(self, resource_type: str, members: Members, files: FhirLines) -> None:
        self.type, self.members = resource_type, members
        self.files, self.dialect = files, files.dialect
        self.joins: list[str] = []
        self.taken: dict[str, list[str]] = {COLUMN: [] for COLUMN in COLUMN_OF.values()}

    def sql(self) -> str:
        members, dialect = self.members, self.dialect
        lines = self.files.entries(self._all_members(), self.type)
        dated = ", ".join(f"{text_of(member, dialect)} AS t_{member}" for member, _ in members.dates)
        periods = ", ".join(
            f"{dialect.words_at(member, part)} AS {part[0]}_{member}"
            for member, _ in members.periods
            for part in ("start", "end")
        )
        references = ", ".join(f"{sql} AS {name}" for name, sql in self._references())
        references += f", {_version(dialect)}"
        texts = f"SELECT *{''.join(', ' + part for part in (dated, periods, references) if part)} FROM {lines}"
        sure = "".join(f", {is_date(f't_{member}', dialect)} AS ok_{member}" for member, _ in members.dates)
        sure += "".join(f", {self._sure_period(member, rival)} AS ok_{member}" for member, rival in members.periods)
        if self.type == "Observation":
            sure += f", {self._sure_number()} AS ok_value"
        checked = f"SELECT *{sure} FROM ({texts})"
        return f"SELECT {self._columns()} FROM ({checked}) AS x {' '.join(self.joins)}"

    def _reference(self, identifier: str) -> str:
        return f"concat('{self.type}/', {text_of(identifier, self.dialect)})"

    def _all_members(self) -> list[str]:
        members = self.members
        found = [*members.kept, *members.notes, *members.linked, *EVERYWHERE, members.patient]
        found += [member for member, _ in (*members.dates, *members.periods)]
        found.append("meta")
        if self.type == "Observation":
            found.append("valueQuantity")
        if members.medication:
            found.append("medicationReference")
        if members.specimen:
            found.append("specimen")
        return [*found, members.encounter] if members.encounter else found

    def _references(self) -> list[tuple[str, str]]:
        at = self.dialect.words_at
        found = [("r_patient", at(self.members.patient, "reference"))]
        if self.type == "Observation":
            found.append(("quantity", self.dialect.members("valueQuantity", QUANTITY)))
        if self.members.medication:
            found.append(("r_medication", at("medicationReference", "reference")))
        if self.members.specimen:
            first = f"coalesce({at('specimen', 'reference')}, {at('specimen', '$[0].reference')})"
            found.append(("r_specimen", first))
        if self.members.encounter:
            found.append(("r_encounter", at(self.members.encounter, "reference")))
        return found

    def _sure_period(self, member: str, rival: str) -> str:
        start, end = f"s_{member}", f"e_{member}"
        dialect = self.dialect
        low, high = when_low(start, dialect), when_high(end, f"({when_low(end, dialect)})", dialect)
        ordered = f"CASE WHEN {start} IS NULL OR {end} IS NULL THEN true ELSE {high} >= {low} END"
        given = f"({start} IS NULL OR {is_date(start, dialect)}) AND ({end} IS NULL OR {is_date(end, dialect)})"
        second = f" OR {rival} IS NOT NULL" if rival else ""
        return f"CASE WHEN {member} IS NULL{second} THEN false WHEN NOT ({given}) THEN false ELSE {ordered} END"

    def _columns(self) -> str:
        kept = [self._whole(member) for member in self.members.kept if member in USUAL]
        rare = [member for member in (*self.members.kept, "modifierExtension", "implicitRules") if member not in USUAL]
        given = ", ".join(map(self.dialect.named, rare))
        kept.append(f"CASE WHEN coalesce({given}) IS NOT NULL THEN {self.dialect.joined(*map(self._whole, rare))} END")
        kept += [f"CASE WHEN contained IS NOT NULL THEN {self._whole(member)} END" for member in self.members.linked]
        no_text = f"CAST(NULL AS {self.dialect.text})"
        parts = [*kept, *self._dates(), *self._periods(), *self._value(), *self._targets(), *self._notes_to_keep()]
        times = [
            f"{'coalesce(' + ', '.join(found) + ')' if found else no_text} AS {name}"
            for name, found in self.taken.items()
        ]
        value = (
            f"CASE WHEN ok_value THEN CAST({self.dialect.nth('quantity', 1)} AS DOUBLE) END"
            if self.type == "Observation"
            else "CAST(NULL AS DOUBLE)"
        )
        columns = [
            f"{identifier_of('r_patient', 'Patient')} AS patient",
            f"{self._reference('x.id')} AS reference",
            f"{_object(self.type, parts, self.dialect)} AS content",
            *times,
            f"{value} AS value",
            f"{self._notes()} AS notes",
            f"{self._visit()} AS visit",
            "updated",
            "version",
            *self.files.entry_marks,
        ]
        return ", ".join(columns)

    def _whole(self, member: str) -> str:
        return whole(member, self.dialect)

    def _dates(self) -> list[str]:
        parts: list[str] = []
        first: dict[str, str] = {}
        for member, mark in self.members.dates:
            sure = f"ok_{member}"
            if mark in first:
                sure = f"{sure} AND {first[mark]} IS NULL"
            first.setdefault(mark, member)
            self.taken[COLUMN_OF[mark]].append(f"CASE WHEN {sure} THEN t_{member} END")
            parts.append(f'CASE WHEN {sure} THEN \',"{member}":"{mark}"\' ELSE {self._whole(member)} END')
        return parts

    def _periods(self) -> list[str]:
        parts = []
        for member, _ in self.members.periods:
            sure = f"ok_{member}"
            others = [f"{self.dialect.named(other)} IS NULL" for other, mark in self.members.dates if mark == STARTED]
            sure = " AND ".join([sure, *others])
            start, end = f"s_{member}", f"e_{member}"
            self.taken["started"].append(f"CASE WHEN {sure} THEN {start} END")
            self.taken["ended"].append(f"CASE WHEN {sure} THEN {end} END")
            marked = (
                f'CASE WHEN {end} IS NULL THEN \',"{member}":{{"start":"{STARTED}"}}\' '
                f'WHEN {start} IS NULL THEN \',"{member}":{{"end":"{ENDED}"}}\' '
                f'ELSE \',"{member}":{{"start":"{STARTED}","end":"{ENDED}"}}\' END'
            )
            empty = f"{start} IS NULL AND {end} IS NULL"
            parts.append(
                f"CASE WHEN {member} IS NULL THEN NULL WHEN {sure} AND NOT ({empty}) THEN {marked} ELSE {self._whole(member)} END"
            )
        return parts

    def _value(self) -> list[str]:
        if self.type != "Observation":
            return []
        nth = self.dialect.nth
        rest = [f"',\"{part}\":' || {nth('quantity', place)}" for place, part in enumerate(QUANTITY, 1) if place > 1]
        marked = self.dialect.joined(f'\',"valueQuantity":{{"value":"{VALUE}"\'', *rest, "'}'")
        return [f"CASE WHEN ok_value THEN {marked} ELSE {self._whole('valueQuantity')} END"]

    def _targets(self) -> list[str]:
        """Resources that the entry refers to, put into its own `contained`."""
        parts, held = (
            [],
            ["CASE WHEN json_array_length(contained) > 0 THEN substr(contained, 2, length(contained) - 2) END"],
        )
        if self.members.medication:
            self.joins.append(
                f"LEFT JOIN target_medication tm ON tm.id = {identifier_of('x.r_medication', 'Medication')}"
            )
            display = f"',\"display\":' || {self.dialect.json_at('medicationReference', 'display')}"
            target = "CASE WHEN tm.target IS NULL THEN 'Medication/missing' ELSE '#target' END"
            pointing = self.dialect.joined('\',"medicationReference":{"reference":"\'', target, "'\"'", display, "'}'")
            parts.append(
                "CASE WHEN r_medication LIKE '#%' OR (r_medication IS NULL AND medicationReference IS NOT NULL) "
                f"THEN {self._whole('medicationReference')} WHEN medicationReference IS NOT NULL THEN {pointing} END"
            )
            held.append("CASE WHEN r_medication NOT LIKE '#%' THEN tm.target END")
        if self.members.specimen:
            joins, specimens, contained = specimens_sql(self.dialect, several=self.members.specimens)
            self.joins += joins
            parts.append(specimens)
            held += contained
        if self.members.encounter:
            undated = self._undated()
            visited = f"{undated} AND r_encounter IS NOT NULL"
            parts.append(f'CASE WHEN {visited} THEN \',"{self.members.encounter}":{{"reference":"#visit"}}\' END')
            held.append(
                f"CASE WHEN {visited} THEN "
                f'\'{{"resourceType":"Encounter","id":"visit","period":{{"start":"{RECORDED}"}}}}\' END'
            )
        if len(held) == 1:
            return [*parts, self._whole("contained")]
        joined = f"nullif(concat_ws(',', {', '.join(held)}), '')"
        return [*parts, f"',\"contained\":[' || {joined} || ']'"]

    def _undated(self) -> str:
        return " AND ".join(f"{member} IS NULL" for member in self.members.dated_by)

    def _visit(self) -> str:
        if not self.members.encounter:
            return f"CAST(NULL AS {self.dialect.text})"
        return f"CASE WHEN {self._undated()} THEN {identifier_of('r_encounter', 'Encounter')} END"

    def _notes_to_keep(self) -> list[str]:
        """Free text that decides even unread whether there is an entry at all."""
        nameless = self._nameless(self.members.named)
        if self.members.medication:
            nameless = f"tm.target IS NULL AND {self._nameless('medicationCodeableConcept')}"
        if self.type == "Observation":
            nameless = f"({nameless} OR component IS NOT NULL)"
        return [
            f"CASE WHEN {self.dialect.named(member)} IS NOT NULL AND {nameless} THEN {self._whole(member)} END"
            for member in self.members.notes
        ]

    def _notes(self) -> str:
        if not self.members.notes:
            return f"CAST(NULL AS {self.dialect.text})"
        parts = self.dialect.joined(*map(self._whole, self.members.notes))
        return f"'{{' || nullif(substr({parts}, 2), '') || '}}'"

    def _nameless(self, member: str) -> str:
        """Whether a concept has neither words nor a first code."""
        paths = ["$.text", "$.coding[0].code", "$.coding[0].display", *(["$.code"] if member == "class" else [])]
        words = " OR ".join(
            f"({self.dialect.is_string(member, path)} AND trim({self.dialect.words_at(member, path)}) <> '')"
            for path in paths
        )
        return f"NOT coalesce({words}, false)"

    def _sure_number(self) -> str:
        number = "-?[0-9]{1,15}([.][0-9]{1,40})?([eE][-+]?[0-9]{1,2})?"
        return f"coalesce({self.dialect.matches(self.dialect.nth('quantity', 1), number)}, false)"
