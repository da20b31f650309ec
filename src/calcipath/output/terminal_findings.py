"""What stands behind the plan, as text: unknowns, conflicts, suspicion, differential, risk, course, dosing, data."""

from __future__ import annotations

from collections.abc import Mapping

from calcipath.output import wording
from calcipath.output.dosing_lines import dosing_lines
from calcipath.output.layout import Sheet
from calcipath.output.plan import Plan, records, sentence_of
from calcipath.output.wording import Item, clean, items

UNKNOWNS_SHOWN = 10


def write_findings(sheet: Sheet, plan: Plan) -> None:
    """The sections after the questions, in the order in which a reader checks them."""
    _unknowns(sheet, plan)
    _conflicts(sheet, plan)
    _suspicion(sheet, plan)
    _differential(sheet, plan)
    _risk_factors(sheet, plan)
    _course(sheet, plan)
    _dosing(sheet, plan)
    _undecided(sheet, plan)
    _problems(sheet, plan)
    _assumptions(sheet, plan)


def _unknowns(sheet: Sheet, plan: Plan) -> None:
    unknowns = records(plan.assessment.get("unknowns"))
    if not unknowns:
        return
    sheet.heading("What would change the picture", "unknown facts, the most decisive first")
    shown = unknowns if sheet.full else unknowns[:UNKNOWNS_SHOWN]
    for place, item in enumerate(shown, start=1):
        named = wording.names(item.get("would_change"), 0 if sheet.full else 3)
        text = f"{wording.sentence(wording.fact_of(item))}: {clean(item.get('how_to_obtain'))}"
        sheet.paragraph(text + (f" [changes {named}]" if named else ""), label=f"{place}.", indent=2, hang=4)
    rest = unknowns[len(shown) :]
    if rest:
        sheet.paragraph(f"And {len(rest)} more: {', '.join(wording.fact_of(item) for item in rest)}.", indent=6)


def _conflicts(sheet: Sheet, plan: Plan) -> None:
    conflicts = records(plan.assessment.get("conflicts"))
    if not conflicts:
        return
    sheet.heading("Conflicts", "they pull against each other in this patient", "yellow")
    for item in conflicts:
        grounds = wording.evidence_list(item.get("evidence"), full=sheet.full)
        text = sentence_of(clean(item.get("explanation"))) + (f" Because: {grounds}." if grounds else "")
        sheet.paragraph(f"{text} [{wording.names(item.get('ids'))}]", label="-", indent=2, hang=2)


def _suspicion(sheet: Sheet, plan: Plan) -> None:
    schemes = records(wording.structure(plan.assessment.get("suspicion")).get("schemes"))
    if not schemes:
        return
    sheet.heading("Suspicion", "published schemes, each with its own result")
    for scheme in schemes:
        name = clean(scheme.get("label")) or wording.sentence(wording.title(scheme.get("id")))
        sheet.paragraph(f"{name}: {clean(scheme.get('result')).replace('-', ' ')}", indent=2, style="bold")
        criteria = records(scheme.get("criteria"))
        for verdict, word in (("yes", "met:"), ("no", "not met:"), ("unknown", "unknown:")):
            chosen = [_criterion(sheet, item, verdict) for item in criteria if item.get("verdict") == verdict]
            if chosen:
                sheet.paragraph("; ".join(chosen), label=word, indent=4, hang=9)
        for note in items(scheme.get("notes") or scheme.get("note")):
            sheet.paragraph(wording.say(note), label="note:", indent=4, hang=9, style="dim", mark="dim")


def _criterion(sheet: Sheet, item: Item, verdict: str) -> str:
    name = clean(item.get("label")) or wording.title(item.get("id"))
    grounds = wording.evidence_list(item.get("because"), full=sheet.full, limit=2)
    if verdict == "unknown":
        missing = wording.titles(items(item.get("missing")))
        grounds = f"needs {missing}" if missing and missing != name else ""
    return f"{name} ({grounds})" if grounds else name


def _differential(sheet: Sheet, plan: Plan) -> None:
    mimics = records(plan.assessment.get("differential"))
    if not mimics:
        return
    sheet.heading("Differential", "arguments are listed, no probability is invented; a mimic may coexist")
    for standing in wording.STANDINGS:
        chosen = [item for item in mimics if item.get("standing") == standing]
        bare = [item for item in chosen if not sheet.full and not _worth_lines(item)]
        for item in chosen:
            if item not in bare:
                _mimic(sheet, item, standing)
        if bare:
            note = "nothing recorded for it" if standing == "possible" else "not argued for"
            text = f"{note}: {wording.titles(item.get('id') for item in bare)}"
            sheet.paragraph(text, label=standing.upper(), indent=2, hang=13)


def _worth_lines(item: Item) -> bool:
    return item.get("standing") in ("established", "favoured") or bool(items(item.get("for")))


def _mimic(sheet: Sheet, item: Item, standing: str) -> None:
    name = wording.sentence(wording.title(item.get("id")))
    sheet.paragraph(name, label=standing.upper(), indent=2, hang=13, style="bold", mark="bold")
    for key in ("for", "against", "unknown"):
        said = wording.evidence_list(item.get(key), full=sheet.full, limit=3 if key == "unknown" else 6)
        if said:
            sheet.paragraph(said, label=f"{key}:", indent=15 if sheet.width >= 60 else 4, hang=9)
    best = wording.say(item.get("best_next"))
    if best:
        sheet.paragraph(best, label="would tell:", indent=15 if sheet.width >= 60 else 4, hang=2)


def _risk_factors(sheet: Sheet, plan: Plan) -> None:
    factors = records(plan.assessment.get("risk_factors"))
    if not factors:
        return
    present = [item for item in factors if item.get("verdict") == "yes"]
    sheet.heading("Risk factors", f"{len(present)} present of {len(factors)}")
    for item in present:
        grounds = wording.evidence_list(item.get("evidence"), full=sheet.full)
        mark = " (modifiable, with its prescriber)" if item.get("modifiable") else ""
        note = clean(item.get("note"))
        text = f"{wording.title(item.get('id'))}{mark}" + (f": {grounds}" if grounds else "")
        sheet.paragraph(text + (f". {sentence_of(note)}" if note else ""), label="yes", indent=2, hang=LABEL_RISK)
    for verdict in ("no", "unknown"):
        chosen = [item.get("id") for item in factors if item.get("verdict") == verdict]
        if chosen:
            label = f"{verdict} ({len(chosen)})"
            sheet.paragraph(wording.titles(chosen), label=label, indent=2, hang=LABEL_RISK, style="dim", mark="dim")


LABEL_RISK = 13


def _course(sheet: Sheet, plan: Plan) -> None:
    course = plan.assessment.get("course")
    if not isinstance(course, Mapping):
        return
    verdict = str(course.get("verdict", "unknown"))
    sheet.heading("Course under thiosulfate")
    sheet.paragraph(wording.sentence(wording.COURSES.get(verdict, clean(verdict))) + ".", indent=2)
    grounds = wording.evidence_list(course.get("because"), full=sheet.full, limit=4)
    if grounds:
        sheet.paragraph(grounds, label="because:", indent=2, hang=9)
    for series in records(course.get("series")):
        sheet.paragraph(series_line(series), indent=2)


def series_line(series: Item) -> str:
    """A dated series in a line: 'pain score: 9 (2025-12-20), 6 (2026-01-14)'."""
    name = clean(series.get("name") or series.get("what") or wording.title(series.get("id")))
    unit = clean(series.get("unit"))
    points = [
        f"{clean(point.get('value'))} ({wording.day(point.get('date'))})"
        for point in records(series.get("points") or series.get("values"))
    ]
    return f"{name}{f', {unit}' if unit else ''}: {', '.join(points) or 'no value'}"


def _dosing(sheet: Sheet, plan: Plan) -> None:
    lines = dosing_lines(plan.assessment)
    if not lines:
        return
    sheet.heading("Thiosulfate dosing", "exposure arithmetic, not a prescription; off-label")
    for label, text in lines:
        sheet.paragraph(text, label=label, indent=2, hang=13)


def _undecided(sheet: Sheet, plan: Plan) -> None:
    if not plan.undecided and not plan.not_applicable:
        return
    sheet.heading("Not decided, not applicable", f"{len(plan.undecided)} and {len(plan.not_applicable)}")
    for item in plan.undecided:
        missing = wording.titles(items(item.get("missing")))
        name = wording.title(item.get("id"))
        sheet.paragraph(f"{name}: needs {missing}" if missing else name, label="unknown", indent=2, hang=LABEL_RISK)
    if plan.not_applicable:
        names = wording.titles(item.get("id") for item in plan.not_applicable)
        sheet.paragraph(
            names, label=f"no ({len(plan.not_applicable)})", indent=2, hang=LABEL_RISK, style="dim", mark="dim"
        )
    if sheet.full:
        for item in plan.not_applicable:
            grounds = wording.evidence_list(item.get("because"), full=True)
            if grounds:
                sheet.paragraph(
                    f"{wording.title(item.get('id'))}: {grounds}", indent=2 + LABEL_RISK, hang=2, style="dim"
                )


def _problems(sheet: Sheet, plan: Plan) -> None:
    problems = records(plan.assessment.get("data_problems"))
    if not problems:
        return
    sheet.heading("Data problems", "entries that were not used as written", "yellow")
    for item in problems:
        problem = str(item.get("problem"))
        name = wording.PROBLEMS.get(problem, clean(problem))
        text = f"{clean(item.get('reference'))}: {name}. {sentence_of(clean(item.get('handling')))}"
        sheet.paragraph(text, label="-", indent=2, hang=2)


def _assumptions(sheet: Sheet, plan: Plan) -> None:
    assumptions = records(plan.assessment.get("assumptions"))
    if not assumptions:
        return
    sheet.heading("Assumptions", "silence of the record that was read as an answer")
    for item in assumptions:
        text = f"{wording.sentence(wording.fact_of(item))}: {sentence_of(clean(item.get('reason')))}"
        sheet.paragraph(text, label="-", indent=2, hang=2)
