"""The table without identities: what it says, and that nothing else comes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from register_examples import ON_SQLITE, Clock, People, observation, opened, patient, people_of, picture
from store_examples import run_sql

from calcipath.guideline.model import Guideline
from calcipath.register.deidentified import DatedValue, RegisterRow
from calcipath.register.refusals import NotAllowed
from calcipath.register.register import Register
from calcipath.site_assessor import assessor_for
from calcipath.store.store import open_store

UCUM = "http://unitsofmeasure.org"


@pytest.fixture(scope="module")
def guideline() -> Guideline:
    return assessor_for("")[0].guideline


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    """One register for the tests that only look at one more case of it."""
    folder = tmp_path_factory.mktemp("deidentified")
    with open_store(f"sqlite:///{folder}/store.sqlite") as store:
        yield opened(store, folder / "photographs", Clock())


def measure(identifier: str, code: str, value: float, unit: str, when: str, **members: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    coded = {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}}
    return observation(identifier, **{**coded, "effectiveDateTime": when, "valueQuantity": quantity, **members})


def dose(identifier: str, grams: float, when: str, /, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": identifier,
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "36726"}]
        },
        "effectiveDateTime": when,
        "dosage": {"dose": {"value": grams, "unit": "g", "system": UCUM, "code": "g"}},
        **members,
    }


RECORD = [
    patient(birthDate="1960-05-04"),
    measure("pain1", "72514-3", 8, "{score}", "2026-11-01T09:00:00Z"),
    measure("pain2", "72514-3", 4, "{score}", "2026-11-15"),
    measure("length1", "39126-8", 52, "mm", "2026-11-01", bodySite={"text": "left thigh"}),
    measure("length2", "39126-8", 4, "cm", "2026-11-01", bodySite={"text": "right thigh"}),
    measure("width1", "39125-0", 3, "cm", "2026-11-01", bodySite={"text": "left thigh"}),
    measure("phosphate", "2777-1", 6.2, "mg/dL", "2026-11-02"),
    measure("calcium", "17861-6", 2.4, "mmol/L", "2026-10"),
    dose("dose1", 25, "2026-11-03T08:00:00Z"),
    dose("dose2", 12.5, "2026-11-05"),
]


def row_of(register: Register, people: People, url: str, guideline: Guideline) -> tuple[RegisterRow, int]:
    (row,) = register.table(people.local, guideline)
    ((shift,),) = run_sql(url, "SELECT date_shift FROM case_file")
    return row, shift


def test_the_numbers_of_a_case_with_its_dates_shifted(
    register: Register, people: People, url: str, guideline: Guideline
) -> None:
    """52 mm are 5.2 cm; 2.4 mmol/L of calcium are 9.62 mg/dL (40.078 g/mol); a month is no day."""
    made = register.cases.create(people.ada, "Mrs A", RECORD)
    register.photographs.add(people.ada, made.handle, picture(), taken="2026-11-01", site="", consent="yes")
    row, shift = row_of(register, people, url, guideline)

    def back(day: str) -> str:
        return (date.fromisoformat(day) - timedelta(days=shift)).isoformat()

    assert 1 <= shift <= 365
    values = {(each.name, each.date, each.site): (each.value, each.unit) for each in row.values}
    calcium = values.pop(("LOINC 17861-6", "", 0))
    assert calcium == (pytest.approx(9.62, abs=0.01), "mg/dL")
    assert values == {
        ("pain score", back("2026-11-01"), 0): (8, "{score}"),
        ("pain score", back("2026-11-15"), 0): (4, "{score}"),
        ("wound length", back("2026-11-01"), 1): (5.2, "cm"),
        ("wound length", back("2026-11-01"), 2): (4, "cm"),
        ("wound width", back("2026-11-01"), 1): (3, "cm"),
        ("LOINC 2777-1", back("2026-11-02"), 0): (6.2, "mg/dL"),
        ("dose of sodium thiosulfate", back("2026-11-03"), 0): (25, "g"),
        ("dose of sodium thiosulfate", back("2026-11-05"), 0): (12.5, "g"),
    }
    assert (row.age, row.sex) == ("66", "female")
    assert row.counts == {"observation": 7, "medication": 2, "photographs": 1}
    assert row.extra == {}


@ON_SQLITE
def test_only_an_administrator_takes_it(register: Register, people: People, guideline: Guideline) -> None:
    for account in (people.ada, people.rita):
        with pytest.raises(NotAllowed):
            register.table(account, guideline)
    assert register.table(people.local, guideline) == ()


@ON_SQLITE
def test_the_caller_may_add_columns(register: Register, people: People, url: str, guideline: Guideline) -> None:
    register.cases.create(people.ada, "Mrs A", RECORD)

    def columns(resources: Sequence[Mapping[str, Any]]) -> Mapping[str, object]:
        return {"resources": len(resources)}

    (row,) = register.table(people.local, guideline, columns)
    assert row.extra == {"resources": len(RECORD)}
    assert run_sql(url, "SELECT account, handle FROM audit_case WHERE action = 'table-taken'") == [("local", None)]


def marked(value: Any) -> Any:
    """Every text in a value with a marker behind it."""
    if isinstance(value, dict):
        return {name: marked(held) for name, held in value.items()}
    if isinstance(value, list):
        return [marked(each) for each in value]
    return f"{value} MARKER" if isinstance(value, str) else value


WORDS = {
    "text": {"status": "generated", "div": "<div>x</div>"},
    "note": [{"text": "note", "authorString": "Dr X", "time": "x"}],
    "identifier": [{"system": "urn:mrn", "value": "123"}],
    "extension": [{"url": "urn:x", "valueString": "x"}],
    "performer": [{"display": "Dr X"}],
    "meta": {"source": "x", "tag": [{"display": "x"}]},
    "bodySite": {"coding": [{"code": "site", "display": "x"}], "text": "left thigh"},
    "interpretation": [{"text": "high"}],
    "referenceRange": [{"text": "range"}],
    "component": [{"code": {"text": "part"}, "valueString": "x"}],
    "contained": [{"resourceType": "Practitioner", "id": "x", "name": [{"text": "x"}]}],
}


@ON_SQLITE
def test_no_text_of_a_case_comes_through(register: Register, people: People, url: str, guideline: Guideline) -> None:
    words = marked(WORDS)
    name = [{"family": "MARKER", "given": ["MARKER"], "text": "MARKER"}]
    address = [{"line": ["MARKER"], "city": "MARKER", "postalCode": "MARKER"}]
    person = patient(
        id="MARKER", name=name, address=address, telecom=[{"value": "MARKER"}], photo=[{"title": "MARKER"}]
    )
    mine = {"subject": {"reference": "Patient/MARKER", "display": "MARKER"}}
    spoken = [{"system": "MARKER", "code": "MARKER", "display": "MARKER"}]
    code = {
        "coding": [{"system": "http://loinc.org", "code": "2777-1", "display": "MARKER"}, *spoken],
        "text": "MARKER",
    }
    odd = {"value": 6.2, "unit": "MARKER", "system": "MARKER", "code": "mg/dL"}
    resources = [
        {**person, **{key: words[key] for key in ("text", "identifier", "extension", "meta", "contained")}},
        *({**each, "id": f"MARKER{number}", **words, **mine} for number, each in enumerate(RECORD[1:])),
        observation("MARKERa", code=code, valueQuantity=odd, **words, **mine),
        observation("MARKERb", code={"coding": [{"system": "http://loinc.org", "code": "MARKER"}]}, **mine),
        observation("MARKERc", effectiveDateTime="MARKER", **mine),
        observation("MARKERd", code={"text": "phosphate MARKER"}, **mine),
        dose("MARKERe", 25, "2026-11-07", dosage={"text": "25 g MARKER", "dose": odd}, **mine),
        {"resourceType": "MARKER", "id": "MARKERf", **mine},
    ]
    made = register.cases.create(people.ada, "MARKER label", resources, {"MARKER": "MARKER"})
    said = {"taken": "2026-11-01", "site": "MARKER", "consent": "MARKER"}
    register.photographs.add(people.ada, made.handle, picture(), **said)
    other = register.cases.create(people.ada, "MARKER", [patient(gender="MARKER", birthDate="MARKER")])
    two = [patient(), patient(id="MARKER", name=name), observation("o", subject={"reference": "Patient/MARKER"})]
    register.cases.create(people.ada, "MARKER", two)
    rows = register.table(people.local, guideline)
    whole = repr(rows)
    assert len(rows) == 3 and max(len(row.values) for row in rows) >= 9  # the numbers are there
    for secret in ("MARKER", made.handle, other.handle, "Ada", "thigh"):
        assert secret not in whole
    shifts = run_sql(url, "SELECT pseudonym, date_shift FROM case_file")
    assert {row.pseudonym for row in rows} == {pseudonym for pseudonym, _ in shifts}
    assert [row.pseudonym for row in rows] == sorted(row.pseudonym for row in rows)


@pytest.mark.parametrize(
    ("members", "age"),
    [
        ({"birthDate": "1936-11-02"}, "89"),
        ({"birthDate": "1936-11-01"}, "90+"),
        ({"birthDate": "1900-01-01"}, "90+"),
        ({"birthDate": "1936"}, "90+"),  # may be 90
        ({"birthDate": "1937"}, "89"),
        ({"birthDate": "1960-05-04", "deceasedDateTime": "2000-05-03"}, "39"),
        ({"birthDate": "2026-10-01"}, "0"),
        ({"birthDate": "2027-01-01"}, ""),
        ({"birthDate": "x"}, ""),
    ],
)
def test_ages(shared: Register, guideline: Guideline, members: dict[str, Any], age: str) -> None:
    """The record ends on 2026-11-01."""
    admin = shared.local_account()
    before = {row.pseudonym for row in shared.table(admin, guideline)}
    shared.cases.create(admin, "case", [patient(**members), observation("o1")])
    (row,) = (row for row in shared.table(admin, guideline) if row.pseudonym not in before)
    assert row.age == age


def test_no_date_no_age(shared: Register, guideline: Guideline) -> None:
    admin = shared.local_account()
    before = {row.pseudonym for row in shared.table(admin, guideline)}
    shared.cases.create(admin, "case", [patient()])
    (row,) = (row for row in shared.table(admin, guideline) if row.pseudonym not in before)
    assert (row.age, row.sex, row.values) == ("", "female", ())


def test_each_case_has_a_shift_of_its_own(sqlite_url: str, folder: Path, clock: Clock) -> None:
    """Of 60 cases none outside a year, and in both halves of it: by chance missed once in 2^58."""
    with open_store(sqlite_url) as store:
        register = opened(store, folder, clock)
        people = people_of(register)
        for _ in range(60):
            register.cases.create(people.ada, "case")
    shifts = [shift for (shift,) in run_sql(sqlite_url, "SELECT date_shift FROM case_file")]
    assert min(shifts) >= 1 and max(shifts) <= 365
    assert min(shifts) < 180 < max(shifts) and len(set(shifts)) > 20


def test_values_that_are_none(shared: Register, guideline: Guideline) -> None:
    """Below a limit, impossible, in a unit that cannot be, or of what was not done: no number is made of them."""
    admin = shared.local_account()
    before = {row.pseudonym for row in shared.table(admin, guideline)}
    below = {"value": 0.3, "comparator": "<", "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}
    shared.cases.create(
        admin,
        "case",
        [
            patient(),
            measure("a", "72514-3", 80, "{score}", "2026-11-01"),
            observation("b", valueQuantity=below),
            measure("c", "39126-8", 4, "kg", "2026-11-01"),
            measure("d", "2777-1", 4, "kg", "2026-11-01"),
            dose("e", 25, "2026-11-03", status="not-done"),
            dose("f", 25, "2026-11-03", status="entered-in-error"),
            measure("g", "72514-3", 3, "{score}", "2026-11-01"),
        ],
    )
    (row,) = (row for row in shared.table(admin, guideline) if row.pseudonym not in before)
    assert [(each.name, each.value) for each in row.values] == [("pain score", 3)]
    assert isinstance(row.values[0], DatedValue)
