"""Reports and notes: where their text comes from."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fhir_samples import concept, event_of, made, problems_of, record_of


def report(**fields: Any) -> dict[str, Any]:
    return made("DiagnosticReport", **{"status": "final", "code": concept("Skin biopsy"), **fields})


def attached(text: str | bytes, kind: str = "text/plain") -> dict[str, Any]:
    raw = text.encode() if isinstance(text, str) else text
    return {"contentType": kind, "data": base64.b64encode(raw).decode()}


def test_a_report() -> None:
    specimen = made("Specimen", "s", type=concept("Skin"), collection={"bodySite": concept("Thigh")})
    event = event_of(
        report(
            category=[concept(code="SP")],
            effectiveDateTime="2026-01-10",
            issued="2026-01-12T08:00:00Z",
            conclusion="Medial calcification with thrombosis.",
            conclusionCode=[concept("Calciphylaxis", "237900002")],
            presentedForm=[attached("Gross: ellipse of skin.\r\nMicroscopy follows.")],
            specimen=[{"reference": "Specimen/s"}],
        ),
        specimen,
    )
    assert (event.kind, event.category, event.status) == ("report", "SP", "completed")
    assert event.texts == ("Medial calcification with thrombosis.", "Gross: ellipse of skin.\nMicroscopy follows.")
    assert (event.value_text, event.value_codings[0].code) == ("Calciphylaxis", "237900002")
    assert (event.specimen, event.site_text) == ("Skin", "Thigh")
    assert event.started is not None and event.started.written == "2026-01-10"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (attached("Größe 4 cm", "text/plain; charset=utf-8"), "Größe 4 cm"),
        (attached("Größe".encode("latin-1"), "text/plain; charset=ISO-8859-1"), "Größe"),
        (attached("<p>Ulcer &gt; 2&nbsp;cm</p><ul><li>left leg</li></ul>", "text/html"), "Ulcer > 2 cm\nleft leg"),
        (attached("no type", ""), "no type"),
    ],
)
def test_attachments_that_are_text(form: dict[str, Any], text: str) -> None:
    assert event_of(report(presentedForm=[form])).texts == (text,)


@pytest.mark.parametrize(
    "form",
    [
        attached(b"%PDF-1.7", "application/pdf"),
        {"contentType": "text/plain", "data": "§§§not base64§§§="},
        {"contentType": "text/plain", "url": "https://ehr.example.org/Binary/1"},
        {"contentType": "text/plain", "data": 7},
    ],
)
def test_attachments_that_cannot_be_read_are_listed(form: dict[str, Any]) -> None:
    assert problems_of(report(conclusion="See report", presentedForm=[form])) == [("DiagnosticReport/x", "unreadable")]


def test_a_report_of_narrative_alone_is_read_by_it() -> None:
    narrative = {"status": "additional", "div": "<div>Vessels calcified.<br/>No granuloma.</div>"}
    assert event_of(report(text=narrative)).texts == ("Vessels calcified.\nNo granuloma.",)
    assert event_of(report(text=narrative, conclusion="Done")).texts == ("Done",)


def test_missing_results_are_one_problem() -> None:
    results = [{"reference": f"Observation/{n}"} for n in range(3)]
    present = made("Observation", "0", status="final", code=concept("Hb"), valueInteger=9)
    (problem,) = record_of(report(result=results), present).problems
    assert (problem.problem, problem.handling) == ("unresolved-reference", "2 of its 3 results are not in the record")


def test_contained_results_are_events_of_the_report() -> None:
    inner = {"resourceType": "Observation", "id": "o", "status": "final", "code": concept("Hb"), "valueInteger": 9}
    found = record_of(report(effectiveDateTime="2026-01-10", result=[{"reference": "#o"}], contained=[inner]))
    assert found.problems == ()
    _, observation = found.events
    assert (observation.kind, observation.name, observation.reference) == ("observation", "Hb", "DiagnosticReport/x")
    assert observation.started is not None and observation.started.written == "2026-01-10"


def test_documents_compositions_and_impressions_are_notes() -> None:
    document = made(
        "DocumentReference",
        status="current",
        type=concept("Progress note"),
        date="2026-01-15T08:00:00Z",
        content=[{"attachment": attached("Wound larger.")}],
    )
    section = {
        "title": "Examination",
        "text": {"div": "<div>Eschar of the left thigh</div>"},
        "section": [{"title": "Pain", "text": {"div": "<div>severe</div>"}}],
    }
    composition = made(
        "Composition",
        status="final",
        title="Discharge letter",
        type=concept("Letter"),
        date="2026-01",
        section=[section],
    )
    impression = made(
        "ClinicalImpression",
        status="completed",
        code=concept("Assessment"),
        summary="Calciphylaxis likely",
        date="2026-01-14",
        finding=[{"itemCodeableConcept": concept("Eschar"), "basis": "seen"}],
    )
    for resource, name, texts in (
        (document, "Progress note", ("Wound larger.",)),
        (composition, "Discharge letter", ("Examination\nEschar of the left thigh\nPain\nsevere",)),
        (impression, "Assessment", ("Calciphylaxis likely", "Eschar", "seen")),
    ):
        event = event_of(resource)
        assert (event.kind, event.name, event.texts) == ("note", name, texts)
        assert event.started is not None
    assert event_of({**document, "status": "superseded"}).status == "inactive"


def test_sections_of_any_depth_end() -> None:
    section: dict[str, Any] = {"title": "deepest"}
    for _ in range(300):
        section = {"title": "in", "section": [section]}
    assert problems_of(made("Composition", status="final", title="Letter", section=[section])) == [
        ("Composition/x", "unreadable")
    ]
