"""Reports and notes: DiagnosticReport, DocumentReference, Composition and ClinicalImpression."""

from __future__ import annotations

from calcipath.record.fhir import statuses
from calcipath.record.fhir.cleaning import clean_text, text_of_markup
from calcipath.record.fhir.common import inpatient, specimens
from calcipath.record.fhir.datatypes import read_attachment, read_times
from calcipath.record.fhir.entry import Entry, Json
from calcipath.record.fhir.references import CONTAINED, reference_strings
from calcipath.record.model import Event, Kind, Status, When

DEEPEST_SECTION = 8


def read_report(entry: Entry) -> list[Event]:
    """One event; value codings are the conclusion's codes, texts the conclusion and any attached plain text.

    A report that has only its narrative is read by it.
    """
    status = entry.status(statuses.RESULT, statuses.RESULT_VOIDS)
    if status is None:
        return []
    resource = entry.resource
    name, codings = entry.concept(resource, "code")
    started, ended, _ = read_times(entry, "effective")
    issued = entry.when(resource, "issued")
    specimen, (site_text, sites) = specimens(entry)
    conclusion, conclusion_codings = entry.concepts(resource, "conclusionCode")
    texts = [entry.text(resource, "conclusion"), *_attachments(entry, resource, "presentedForm"), *entry.notes()]
    if not any(texts):
        texts = [_narrative(entry, resource)]
    _check_results(entry)
    return [
        Event(
            kind="report",
            reference=entry.reference,
            resource_type="DiagnosticReport",
            name=name,
            codings=codings,
            status=status,
            category=entry.code(resource, "category"),
            started=started or issued,
            ended=ended,
            issued=issued,
            value_text=conclusion,
            value_codings=conclusion_codings,
            sites=sites,
            site_text=site_text,
            specimen=specimen,
            texts=tuple(text for text in texts if text),
            inpatient=inpatient(entry),
        )
    ]


def _check_results(entry: Entry) -> None:
    """List results that are named but not in the record. Contained ones are read with the report."""
    index = entry.context.index
    addresses = list(reference_strings(entry.resource.get("result")))
    lost = sum(index.resolve(address, entry.resource) is None for address in addresses)
    if lost:
        entry.problem("unresolved-reference", f"{lost} of its {len(addresses)} results are not in the record")


def contained_results(resource: Json) -> list[Json]:
    """The contained Observations that a report's `result` or a panel's `hasMember` refers to."""
    held = resource.get("contained")
    if type(held) is not list:
        return []
    named = {
        address.removeprefix(CONTAINED)
        for field in ("result", "hasMember")
        for address in reference_strings(resource.get(field))
        if address.startswith(CONTAINED)
    }
    return [
        item
        for item in held
        if type(item) is dict and item.get("resourceType") == "Observation" and _bare_id(item) in named
    ]


def _bare_id(item: Json) -> str:
    identifier = item.get("id")
    return identifier.removeprefix(CONTAINED) if type(identifier) is str else ""


def _attachments(entry: Entry, holder: Json, field: str) -> list[str]:
    if holder.get(field) is None:
        return []
    return [read_attachment(entry, attachment) for attachment in entry.objects(holder, field)]


def _narrative(entry: Entry, holder: Json) -> str:
    held = holder.get("text")
    if type(held) is not dict or held.get("status") == "empty" or held.get("div") is None:
        return ""
    return clean_text(text_of_markup(entry.text(held, "div")))


def read_document(entry: Entry) -> list[Event]:
    """A DocumentReference with its text; superseded ones are inactive."""
    if entry.resource.get("docStatus") == "entered-in-error":
        entry.drop("entered in error")
        return []
    status = entry.status(statuses.DOCUMENT, statuses.IN_ERROR)
    if status is None:
        return []
    resource = entry.resource
    held = [entry.object(content, "attachment") for content in entry.objects(resource, "content")]
    texts = [entry.text(resource, "description"), *(read_attachment(entry, item) for item in held)]
    return [_note(entry, "type", status, texts, entry.when(resource, "date"))]


def read_composition(entry: Entry) -> list[Event]:
    """A Composition: the narrative of its sections under their titles."""
    status = entry.status(statuses.COMPOSITION, statuses.IN_ERROR)
    if status is None:
        return []
    resource = entry.resource
    texts = [_section(entry, section, 1) for section in entry.objects(resource, "section")]
    return [_note(entry, "type", status, texts, entry.when(resource, "date"), title=entry.text(resource, "title"))]


def _section(entry: Entry, section: Json, depth: int) -> str:
    parts = [entry.text(section, "title") or entry.concept(section, "code")[0], _narrative(entry, section)]
    inner = entry.objects(section, "section") if section.get("section") is not None else []
    if inner and depth >= DEEPEST_SECTION:
        entry.problem("unreadable", f"sections deeper than {DEEPEST_SECTION} were not read")
        inner = []
    parts += [_section(entry, item, depth + 1) for item in inner]
    return "\n".join(part for part in parts if part)


def read_impression(entry: Entry) -> list[Event]:
    """A ClinicalImpression: description, summary, findings by name, prognosis and notes."""
    status = entry.status(statuses.IMPRESSION, statuses.IN_ERROR)
    if status is None:
        return []
    resource = entry.resource
    texts = [entry.text(resource, "description"), entry.text(resource, "summary")]
    for finding in entry.objects(resource, "finding"):
        texts += [entry.concept(finding, "itemCodeableConcept")[0], entry.text(finding, "basis")]
    texts += [entry.concepts(resource, "prognosisCodeableConcept")[0], *entry.notes()]
    started, ended, _ = read_times(entry, "effective")
    return [_note(entry, "code", status, texts, started or entry.when(resource, "date"), ended=ended)]


def _note(
    entry: Entry,
    code: str,
    status: Status,
    texts: list[str],
    started: When | None,
    *,
    ended: When | None = None,
    title: str = "",
) -> Event:
    kind: Kind = "note"
    name, codings = entry.concept(entry.resource, code)
    return Event(
        kind=kind,
        reference=entry.reference,
        resource_type=entry.type,
        name=title or name,
        codings=codings,
        status=status,
        category=entry.code(entry.resource, "category"),
        started=started,
        ended=ended,
        texts=tuple(text for text in texts if text),
        inpatient=inpatient(entry),
    )
