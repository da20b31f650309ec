"""A mistake put into one FHIR line: what stands in the file instead of the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

Json = dict[str, Any]
DATES: Final = (
    "onsetDateTime",
    "abatementDateTime",
    "effectiveDateTime",
    "authoredOn",
    "performedDateTime",
    "recordedDate",
    "date",
)
PERIODS: Final = ("performedPeriod", "period")
EARLIER: Final = "2001-01-01T00:00:00.000Z"  # when the older of two versions says that it was changed
LATER: Final = "2026-01-01T00:00:00.000Z"  # and the newer, where the site keeps no such time
NOBODY: Final = "Patient/not-in-this-export"


def mistaken_lines(line: str, kind: str, swaps: Mapping[str, str]) -> list[str]:
    """The lines that stand there instead of `line`, without newlines."""
    if kind == "truncated-line":
        return [line[: len(line) * 3 // 5]]
    if kind == "malformed-line":
        return [f"{line[:-1]},}}"]
    if kind == "same-id-identical":
        return [line, line]
    resource: Json = orjson.loads(line)
    if kind == "same-id-two-versions":
        return _versions(resource)
    if kind == "wrong-unit":
        _swap_unit(resource, swaps)
    else:
        CHANGES[kind](resource)
    return [orjson.dumps(resource).decode()]


def _versions(resource: Json) -> list[str]:
    """The newer version first: the order of lines says nothing."""
    newer = {**resource, "meta": resource.get("meta", {"lastUpdated": LATER})}
    older = {**resource, "meta": {"lastUpdated": EARLIER}}
    if "valueQuantity" in resource:
        quantity = resource["valueQuantity"]
        older["valueQuantity"] = {**quantity, "value": round(quantity["value"] * 1.5, 2)}
    return [orjson.dumps(each).decode() for each in (newer, older)]


def _swap_unit(resource: Json, swaps: Mapping[str, str]) -> None:
    quantity = resource["valueQuantity"]
    for field in ("unit", "code"):
        if field in quantity:
            quantity[field] = swaps[quantity[field]]


def _wrong_type(resource: Json) -> None:
    if "valueQuantity" in resource:
        resource["valueQuantity"]["value"] = f"{resource['valueQuantity']['value']} (see text)"
    else:
        subject = _subject(resource)
        resource[subject] = resource[subject]["reference"]


def _missing_unit(resource: Json) -> None:
    for field in ("unit", "system", "code"):
        resource["valueQuantity"].pop(field, None)


def _implausible(resource: Json) -> None:
    resource["valueQuantity"]["value"] = round(resource["valueQuantity"]["value"] * 10_000, 3)


def _redated(change: Callable[[str], str]) -> Callable[[Json], None]:
    def redate(resource: Json) -> None:
        for field in DATES:
            if field in resource:
                resource[field] = change(resource[field])
        for field in PERIODS:
            if field in resource:
                resource[field] = {end: change(when) for end, when in resource[field].items()}

    return redate


def in_a_hundred_years(written: str) -> str:
    """The same date a century later."""
    return f"{int(written[:4]) + 100}{written[4:]}"


def impossible_date(written: str) -> str:
    """A thirtieth of February."""
    return f"{written[:4]}-02-30{written[10:]}" if re.match(r"\d{4}-\d\d-\d\d", written) else f"{written[:4]}-13"


def _without_subject(resource: Json) -> None:
    del resource[_subject(resource)]


def _of_nobody(resource: Json) -> None:
    resource[_subject(resource)] = {"reference": NOBODY}


def _subject(resource: Json) -> str:
    return "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"


CHANGES: Final[Mapping[str, Callable[[Json], None]]] = {
    "wrong-type": _wrong_type,
    "missing-unit": _missing_unit,
    "implausible-value": _implausible,
    "future-date": _redated(in_a_hundred_years),
    "impossible-date": _redated(impossible_date),
    "missing-subject": _without_subject,
    "unknown-patient": _of_nobody,
}
