"""What stands behind the plan, as sections of the page: unknowns to assumptions, in the terminal's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.dosing_lines import dosing_lines
from calcipath.output.markup import Markup, join, tag
from calcipath.output.plan import Plan, records, sentence_of
from calcipath.output.terminal_findings import series_line
from calcipath.output.timeline import Timeline
from calcipath.output.timeline_svg import draw_timeline
from calcipath.output.wording import Item, clean, items

AnswerForm = Callable[[Item], Markup | None]  # a form with which an unknown can be answered, or nothing


def section(place: str, heading: str, note: str, *content: object) -> Markup:
    """A section with its heading, reachable as `#place`."""
    title = tag("h2", heading, " ", tag("small", note) if note else None, id=f"{place}-heading")
    return tag("section", title, *content, id=place, aria_labelledby=f"{place}-heading")


def findings(plan: Plan, timeline: Timeline, form: AnswerForm | None = None) -> list[Markup | None]:
    """The sections after the questions; None where there is nothing to say. `form` gives each unknown's form."""
    return [
        _unknowns(plan, form),
        _conflicts(plan),
        _suspicion(plan),
        _differential(plan),
        _risk_factors(plan),
        _course(plan, timeline),
        _dosing(plan),
        _undecided(plan),
        _problems(plan),
        _assumptions(plan),
    ]


def table(heads: Iterable[str], rows: Iterable[Iterable[object]], class_: str | None = None) -> Markup:
    """A table whose first column heads its rows; each cell names its column for narrow pages."""
    names = list(heads)
    body = [
        tag(
            "tr",
            *(
                tag("td" if place else "th", cell, data_head=name, scope=None if place else "row")
                for place, (name, cell) in enumerate(zip(names, row, strict=True))
            ),
        )
        for row in rows
    ]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    return tag("table", head, tag("tbody", *body), class_=class_)


def _unknowns(plan: Plan, form: AnswerForm | None) -> Markup | None:
    unknowns = records(plan.assessment.get("unknowns"))
    if not unknowns:
        return None
    rows = [
        (
            wording.sentence(wording.fact_of(item)),
            _obtained(item, form),
            wording.titles(items(item.get("would_change"))),
        )
        for item in unknowns
    ]
    note = _("unknown facts, the most decisive first")
    return section(
        "unknowns",
        _("What would change the picture"),
        note,
        table((_("Unknown"), _("How to obtain it"), _("Would change")), rows, "ranked"),
    )


def _obtained(item: Item, form: AnswerForm | None) -> Markup | str:
    how = clean(item.get("how_to_obtain"))
    asked = form(item) if form else None
    return join(how, asked) if asked else how


def unknown_of(plan: Plan, fact: str, label: str) -> Item:
    """The unknown of a fact; where the answer does not list it, its fact and label."""
    listed = (item for item in records(plan.assessment.get("unknowns")) if item.get("fact") == fact)
    return next(listed, {"fact": fact, "label": label})


def _conflicts(plan: Plan) -> Markup | None:
    conflicts = records(plan.assessment.get("conflicts"))
    if not conflicts:
        return None
    entries = []
    for item in conflicts:
        grounds = wording.evidence_list(item.get("evidence"))
        entries.append(
            tag(
                "li",
                sentence_of(clean(item.get("explanation"))),
                tag("span", _(" Because: {grounds}.", grounds=grounds), class_="because") if grounds else None,
                " ",
                tag("small", wording.titles(items(item.get("ids")))),
            )
        )
    return section("conflicts", _("Conflicts"), _("they pull against each other in this patient"), tag("ul", *entries))


def _suspicion(plan: Plan) -> Markup | None:
    schemes = records(wording.structure(plan.assessment.get("suspicion")).get("schemes"))
    if not schemes:
        return None
    return section(
        "suspicion",
        _("Suspicion"),
        _("published schemes, each with its own result"),
        tag("div", *map(_scheme, schemes), class_="schemes"),
    )


def _scheme(scheme: Item) -> Markup:
    name = clean(scheme.get("label")) or wording.sentence(wording.title(scheme.get("id")))
    result = clean(scheme.get("result")).replace("-", " ")
    groups: list[object] = []
    for verdict, word in (("yes", "Met"), ("no", "Not met"), ("unknown", "Unknown")):
        chosen = [item for item in records(scheme.get("criteria")) if item.get("verdict") == verdict]
        if chosen:
            groups.append(tag("dt", word, class_=verdict))
            groups.extend(tag("dd", *_criterion(item, verdict)) for item in chosen)
    notes = [tag("p", wording.say(note), class_="note") for note in items(scheme.get("notes") or scheme.get("note"))]
    return tag("article", tag("h3", name, ": ", tag("em", result)), tag("dl", *groups) if groups else None, *notes)


def _criterion(item: Item, verdict: str) -> list[object]:
    name = clean(item.get("label")) or wording.sentence(wording.title(item.get("id")))
    said = wording.evidence_list(item.get("because"))
    if verdict == "unknown":
        missing = wording.titles(items(item.get("missing")))
        said = f"needs {missing}" if missing else ""
    return [name, " ", tag("small", said)]


def _differential(plan: Plan) -> Markup | None:
    mimics = records(plan.assessment.get("differential"))
    if not mimics:
        return None
    rows: list[tuple[object, ...]] = []
    bare = []
    for standing in wording.STANDINGS:
        chosen = [item for item in mimics if item.get("standing") == standing]
        argued = [
            item
            for item in chosen
            if items(item.get("for")) or items(item.get("against")) or standing in wording.STANDINGS[:2]
        ]
        rows.extend(_mimic(item, standing) for item in argued)
        rest = [item.get("id") for item in chosen if item not in argued]
        if rest:
            bare.append(
                tag(
                    "p",
                    tag("b", _("{capitalize}, nothing recorded for or against: ", capitalize=standing.capitalize())),
                    wording.titles(rest),
                    class_="rest",
                )
            )
    heads = (_("Mimic"), _("For"), _("Against"), _("Unknown"), _("What would tell"))
    note = _("arguments are listed, no probability is invented; a mimic may coexist")
    return section(
        "differential", _("Differential"), note, table(heads, rows, _("stacked mimics")) if rows else None, *bare
    )


def _mimic(item: Item, standing: str) -> tuple[object, ...]:
    name = join(
        wording.sentence(wording.title(item.get("id"))), " ", tag("span", standing, class_=f"standing {standing}")
    )
    arguments = (wording.evidence_list(item.get(key), limit=6) for key in ("for", "against", "unknown"))
    return (name, *arguments, wording.say(item.get("best_next")))


def _risk_factors(plan: Plan) -> Markup | None:
    factors = records(plan.assessment.get("risk_factors"))
    if not factors:
        return None
    present = [item for item in factors if item.get("verdict") == "yes"]
    rows = []
    for item in present:
        mark = tag("span", "modifiable", class_="standing modifiable") if item.get("modifiable") else ""
        name = join(wording.sentence(wording.title(item.get("id"))), " ", mark)
        note = sentence_of(clean(item.get("note"))) if item.get("note") else ""
        rows.append((name, wording.evidence_list(item.get("evidence")), note))
    rest = []
    for verdict, word in (("no", "Absent"), ("unknown", "Unknown")):
        chosen = [item.get("id") for item in factors if item.get("verdict") == verdict]
        if chosen:
            rest.append(tag("p", tag("b", f"{word} ({len(chosen)}): "), wording.titles(chosen), class_="rest"))
    note = _(
        "{present} present of {factors}; modifiable means together with the prescriber",
        present=len(present),
        factors=len(factors),
    )
    shown = table((_("Present"), _("Evidence"), _("Note")), rows, "stacked") if rows else None
    return section("risk", _("Risk factors"), note, shown, *rest)


def _course(plan: Plan, timeline: Timeline) -> Markup | None:
    course = plan.assessment.get("course")
    drawing = draw_timeline(timeline)
    if not isinstance(course, Mapping):
        return section("course", _("Timeline"), "", drawing) if drawing else None
    verdict = str(course.get("verdict", "unknown"))
    grounds = wording.evidence_list(course.get("because"), limit=4)
    said = tag(
        "p",
        tag("strong", wording.sentence(wording.COURSES.get(verdict, verdict)) + "."),
        tag("span", _(" Because: {grounds}.", grounds=grounds), class_="because") if grounds else None,
    )
    series = [tag("li", series_line(item)) for item in records(course.get("series"))]
    return section(
        "course",
        _("Course"),
        _("under thiosulfate, and the record on one time axis"),
        said,
        tag("ul", *series, class_="plain") if series else None,
        drawing,
    )


def _dosing(plan: Plan) -> Markup | None:
    lines = dosing_lines(plan.assessment)
    if not lines:
        return None
    rows = [tag("div", tag("dt", wording.sentence(label)), tag("dd", said)) for label, said in lines]
    note = _("exposure arithmetic, not a prescription; off-label")
    return section("dosing", _("Thiosulfate dosing"), note, tag("dl", *rows, class_="pairs"))


def _undecided(plan: Plan) -> Markup | None:
    if not plan.undecided and not plan.not_applicable:
        return None
    entries = []
    for item in plan.undecided:
        missing = wording.titles(items(item.get("missing")))
        name = tag("b", wording.sentence(wording.title(item.get("id"))))
        entries.append(tag("li", name, _(": needs {missing}", missing=missing) if missing else None))
    absent = None
    if plan.not_applicable:
        names = wording.titles(item.get("id") for item in plan.not_applicable)
        absent = tag(
            "p",
            tag("b", _("Does not apply ({not_applicable}): ", not_applicable=len(plan.not_applicable))),
            names,
            class_="rest",
        )
    note = _("{undecided} and {not_applicable}", undecided=len(plan.undecided), not_applicable=len(plan.not_applicable))
    return section(
        "undecided", _("Not decided, not applicable"), note, tag("ul", *entries) if entries else None, absent
    )


def _problems(plan: Plan) -> Markup | None:
    problems = records(plan.assessment.get("data_problems"))
    if not problems:
        return None
    rows = [
        (
            tag("code", item.get("reference")),
            wording.PROBLEMS.get(str(item.get("problem")), clean(item.get("problem"))),
            sentence_of(clean(item.get("handling"))),
        )
        for item in problems
    ]
    note = _("entries that were not used as written")
    return section("data", _("Data problems"), note, table((_("Entry"), _("Problem"), _("Handling")), rows, "stacked"))


def _assumptions(plan: Plan) -> Markup | None:
    assumptions = records(plan.assessment.get("assumptions"))
    if not assumptions:
        return None
    entries = [
        tag(
            "li",
            tag("b", wording.sentence(wording.fact_of(item))),
            f": {sentence_of(clean(item.get('reason')))}",
        )
        for item in assumptions
    ]
    return section(
        "assumptions", _("Assumptions"), _("silence of the record that was read as an answer"), tag("ul", *entries)
    )
