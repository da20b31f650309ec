"""SQL that splits FHIR resources of Bulk Data files into the flat form (docs/decisions/0009-populations-by-forms.md).

Nothing is judged here. A date or number is taken out of an entry's content only where it is sure to be one; whatever
else stands there stays in the content, for the reader of one patient to see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from calcipath.population.dialect import DATE, DUCKDB, NOWHERE, when_high, when_low
from calcipath.population.fhir_members import EVERYWHERE, MEMBERS, Members
from calcipath.population.fhir_references import identifier_of, specimens_sql, whole
from calcipath.population.marks import ENDED, RECORDED, STARTED, VALUE

LARGEST_RESOURCE: Final = 16 * 1024 * 1024
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


@dataclass(frozen=True, slots=True)
class FhirFiles:
    """Files by what they hold: one resource type alone, or (key '') several."""

    by_type: dict[str, tuple[str, ...]]

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


def text_of(member: str) -> str:
    """The text of a JSON string; null for anything else."""
    return f"CASE WHEN json_type({member}) = 'VARCHAR' THEN {member} ->> '$' END"


def is_date(text: str) -> str:
    """Whether a text is surely a FHIR date, so that SQL arithmetic on it is right."""
    real = f"length({text}) < 10 OR try_cast(substr({text}, 1, 10) AS DATE) IS NOT NULL"
    sure = f"regexp_full_match({text}, {quoted(DATE)}) AND substr({text}, 1, 4) NOT IN ('0000', '9999') AND ({real})"
    return f"coalesce({sure}, false)"


def patients_sql(files: FhirFiles) -> str:
    """Every Patient resource in the flat form, with the marks of its version; several may have one id."""
    members = ("gender", "birthDate", "deceasedDateTime", "managingOrganization", "meta")
    lines = lines_sql(files.of("Patient"), members, "Patient")
    texts = (
        f"SELECT {text_of('id')} AS patient, {text_of('gender')} AS sex, {text_of('birthDate')} AS born, "
        f"{text_of('deceasedDateTime')} AS died, managingOrganization AS organization, {_version()} FROM {lines}"
    )
    return (
        f"SELECT patient, lower(trim(sex)) AS sex, CASE WHEN {is_date('born')} THEN born END AS birth_date, "
        f"CASE WHEN {is_date('died')} THEN died END AS death_date, "
        "coalesce(organization ->> 'display', organization ->> 'reference') AS site, "
        f"{_updated()} AS updated, version FROM ({texts}) WHERE patient IS NOT NULL"
    )


def _version() -> str:
    number = "meta ->> 'versionId'"
    counted = f"CASE WHEN regexp_full_match({number}, '[0-9]{{1,17}}') THEN CAST({number} AS BIGINT) ELSE -1 END"
    return f"meta ->> 'lastUpdated' AS written_at, coalesce({counted}, -1) AS version"


def _updated() -> str:
    return f"CASE WHEN {is_date('written_at')} THEN {when_low('written_at', DUCKDB)} ELSE {NOWHERE} END"


def targets_sql(files: FhirFiles, resource_type: str) -> str:
    """Id and trimmed JSON of the resources that others refer to."""
    members = TARGETS[resource_type]
    lines = lines_sql(files.of(resource_type), members, resource_type)
    trimmed = _object(resource_type, ['\',"id":"target"\'', *(whole(member) for member in members)])
    return f"SELECT {text_of('id')} AS id, any_value({trimmed}) AS target FROM {lines} GROUP BY 1"


def visits_sql(files: FhirFiles, wanted: str) -> str:
    """Id and start of the encounters whose id the query `wanted` gives."""
    lines = lines_sql(files.of("Encounter"), ("period",), "Encounter")
    starts = f"SELECT {text_of('id')} AS id, period ->> 'start' AS start FROM {lines}"
    sure = f"SELECT id, any_value(CASE WHEN {is_date('start')} THEN start END) AS start FROM ({starts})"
    return f"{sure} WHERE id IN ({wanted}) GROUP BY id"


def events_sql(files: FhirFiles, resource_type: str, *, versions: bool = False, only: str = "") -> str:
    """The flat events of one resource type, on demand with the marks of their version (`updated`, `version`).

    `only`: a query that gives hashes of references; others are left out before anything else is done.

    Reads the tables `target_...` where the type refers to such resources.
    """
    return _Splitting(resource_type, MEMBERS[resource_type], versions).sql(files, only)


def _object(resource_type: str, parts: Sequence[str]) -> str:
    return f"concat('{{\"resourceType\":\"{resource_type}\"', {', '.join(parts)}, '}}')"


class _Splitting:
    """The SQL for one resource type, layer by layer."""

    def __init__(self, resource_type: str, members: Members, versions: bool) -> None:
        self.type, self.members, self.versions = resource_type, members, versions
        self.joins: list[str] = []
        self.taken: dict[str, list[str]] = {COLUMN: [] for COLUMN in COLUMN_OF.values()}

    def sql(self, files: FhirFiles, only: str) -> str:
        members = self.members
        lines = lines_sql(files.of(self.type), self._all_members(), self.type)
        if only:
            lines = f"(SELECT * FROM {lines} WHERE hash({self._reference('id')}) IN ({only}))"
        dated = ", ".join(f"{text_of(member)} AS t_{member}" for member, _ in members.dates)
        periods = ", ".join(
            f"{member} ->> 'start' AS s_{member}, {member} ->> 'end' AS e_{member}" for member, _ in members.periods
        )
        references = ", ".join(f"{sql} AS {name}" for name, sql in self._references())
        if self.versions:
            references += f", {_version()}"
        texts = f"SELECT *{''.join(', ' + part for part in (dated, periods, references) if part)} FROM {lines}"
        sure = "".join(f", {is_date(f't_{member}')} AS ok_{member}" for member, _ in members.dates)
        sure += "".join(f", {self._sure_period(member, rival)} AS ok_{member}" for member, rival in members.periods)
        if self.type == "Observation":
            sure += f", {_sure_number()} AS ok_value"
        checked = f"SELECT *{sure} FROM ({texts})"
        return f"SELECT {self._columns()} FROM ({checked}) AS x {' '.join(self.joins)}"

    def _reference(self, identifier: str) -> str:
        return f"concat('{self.type}/', {text_of(identifier)})"

    def _all_members(self) -> list[str]:
        members = self.members
        found = [*members.kept, *members.notes, *members.linked, *EVERYWHERE, members.patient]
        found += [member for member, _ in (*members.dates, *members.periods)]
        if self.versions:
            found.append("meta")
        if self.type == "Observation":
            found.append("valueQuantity")
        if members.medication:
            found.append("medicationReference")
        if members.specimen:
            found.append("specimen")
        return [*found, members.encounter] if members.encounter else found

    def _references(self) -> list[tuple[str, str]]:
        found = [("r_patient", f"{self.members.patient} ->> 'reference'")]
        if self.type == "Observation":
            paths = ", ".join(f"'$.{part}'" for part in QUANTITY)
            found.append(
                ("quantity", f"CASE WHEN valueQuantity IS NOT NULL THEN json_extract(valueQuantity, [{paths}]) END")
            )
        if self.members.medication:
            found.append(("r_medication", "medicationReference ->> 'reference'"))
        if self.members.specimen:
            found.append(("r_specimen", "coalesce(specimen ->> 'reference', specimen ->> '$[0].reference')"))
        if self.members.encounter:
            found.append(("r_encounter", f"{self.members.encounter} ->> 'reference'"))
        return found

    def _sure_period(self, member: str, rival: str) -> str:
        start, end = f"s_{member}", f"e_{member}"
        low, high = when_low(start, DUCKDB), when_high(end, f"({when_low(end, DUCKDB)})", DUCKDB)
        ordered = f"CASE WHEN {start} IS NULL OR {end} IS NULL THEN true ELSE {high} >= {low} END"
        given = f"({start} IS NULL OR {is_date(start)}) AND ({end} IS NULL OR {is_date(end)})"
        second = f" OR {rival} IS NOT NULL" if rival else ""
        return f"CASE WHEN {member} IS NULL{second} THEN false WHEN NOT ({given}) THEN false ELSE {ordered} END"

    def _columns(self) -> str:
        kept = [whole(member) for member in self.members.kept if member in USUAL]
        rare = [member for member in (*self.members.kept, "modifierExtension", "implicitRules") if member not in USUAL]
        given = ", ".join(f'"{member}"' for member in rare)
        kept.append(f"CASE WHEN coalesce({given}) IS NOT NULL THEN concat({', '.join(map(whole, rare))}) END")
        kept += [f"CASE WHEN contained IS NOT NULL THEN {whole(member)} END" for member in self.members.linked]
        parts = [*kept, *self._dates(), *self._periods(), *self._value(), *self._targets(), *self._notes_to_keep()]
        times = [
            f"{'coalesce(' + ', '.join(found) + ')' if found else 'CAST(NULL AS VARCHAR)'} AS {name}"
            for name, found in self.taken.items()
        ]
        value = (
            "CASE WHEN ok_value THEN CAST(CAST(quantity[1] AS VARCHAR) AS DOUBLE) END"
            if self.type == "Observation"
            else "CAST(NULL AS DOUBLE)"
        )
        columns = [
            f"{identifier_of('r_patient', 'Patient')} AS patient",
            f"{self._reference('x.id')} AS reference",
            f"{_object(self.type, parts)} AS content",
            *times,
            f"{value} AS value",
            f"{self._notes()} AS notes",
            f"{self._visit()} AS visit",
            *([f"{_updated()} AS updated", "version"] if self.versions else []),
        ]
        return ", ".join(columns)

    def _dates(self) -> list[str]:
        parts: list[str] = []
        first: dict[str, str] = {}
        for member, mark in self.members.dates:
            sure = f"ok_{member}"
            if mark in first:
                sure = f"{sure} AND {first[mark]} IS NULL"
            first.setdefault(mark, member)
            self.taken[COLUMN_OF[mark]].append(f"CASE WHEN {sure} THEN t_{member} END")
            parts.append(f'CASE WHEN {sure} THEN \',"{member}":"{mark}"\' ELSE {whole(member)} END')
        return parts

    def _periods(self) -> list[str]:
        parts = []
        for member, _ in self.members.periods:
            sure = f"ok_{member}"
            others = [f'"{other}" IS NULL' for other, mark in self.members.dates if mark == STARTED]
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
                f"CASE WHEN {member} IS NULL THEN NULL WHEN {sure} AND NOT ({empty}) THEN {marked} ELSE {whole(member)} END"
            )
        return parts

    def _value(self) -> list[str]:
        if self.type != "Observation":
            return []
        rest = ", ".join(
            f"',\"{part}\":' || CAST(quantity[{place}] AS VARCHAR)"
            for place, part in enumerate(QUANTITY, 1)
            if place > 1
        )
        marked = f'concat(\',"valueQuantity":{{"value":"{VALUE}"\', {rest}, \'}}\')'
        return [f"CASE WHEN ok_value THEN {marked} ELSE {whole('valueQuantity')} END"]

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
            display = "',\"display\":' || CAST(medicationReference -> 'display' AS VARCHAR)"
            parts.append(
                "CASE WHEN r_medication LIKE '#%' OR (r_medication IS NULL AND medicationReference IS NOT NULL) "
                f"THEN {whole('medicationReference')} WHEN medicationReference IS NOT NULL THEN concat("
                '\',"medicationReference":{"reference":"\', CASE WHEN tm.target IS NULL THEN \'Medication/missing\' '
                f"ELSE '#target' END, '\"', {display}, '}}') END"
            )
            held.append("CASE WHEN r_medication NOT LIKE '#%' THEN tm.target END")
        if self.members.specimen:
            joins, specimens, contained = specimens_sql(several=self.members.specimens)
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
            return [*parts, whole("contained")]
        joined = f"nullif(concat_ws(',', {', '.join(held)}), '')"
        return [*parts, f"',\"contained\":[' || {joined} || ']'"]

    def _undated(self) -> str:
        return " AND ".join(f"{member} IS NULL" for member in self.members.dated_by)

    def _visit(self) -> str:
        if not self.members.encounter:
            return "CAST(NULL AS VARCHAR)"
        return f"CASE WHEN {self._undated()} THEN {identifier_of('r_encounter', 'Encounter')} END"

    def _notes_to_keep(self) -> list[str]:
        """Free text that decides even unread whether there is an entry at all."""
        nameless = _nameless(self.members.named)
        if self.members.medication:
            nameless = f"tm.target IS NULL AND {_nameless('medicationCodeableConcept')}"
        if self.type == "Observation":
            nameless = f"({nameless} OR component IS NOT NULL)"
        return [
            f'CASE WHEN "{member}" IS NOT NULL AND {nameless} THEN {whole(member)} END' for member in self.members.notes
        ]

    def _notes(self) -> str:
        parts = ", ".join(whole(member) for member in self.members.notes)
        return f"'{{' || nullif(substr(concat({parts}), 2), '') || '}}'" if parts else "CAST(NULL AS VARCHAR)"


def _nameless(member: str) -> str:
    """Whether a concept has neither words nor a first code."""
    parts = ["$.text", "$.coding[0].code", "$.coding[0].display", *(["$.code"] if member == "class" else [])]
    words = " OR ".join(
        f"(json_type({member}, '{part}') = 'VARCHAR' AND trim({member} ->> '{part}') <> '')" for part in parts
    )
    return f"NOT coalesce({words}, false)"


def _sure_number() -> str:
    return "coalesce(regexp_full_match(CAST(quantity[1] AS VARCHAR), '-?[0-9]{1,15}([.][0-9]{1,40})?([eE][-+]?[0-9]{1,2})?'), false)"
