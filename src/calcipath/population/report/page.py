"""The report as one self-contained, printable page: no script, no network, every text escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from calcipath.guideline.worklist_model import WorklistGroup
from calcipath.output import wording
from calcipath.output.html import POLICY, labelled, why
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, join, raw, tag
from calcipath.population.report.comparison import CHANGES, NEW, OPEN, RESOLVED, Comparison
from calcipath.population.report.page_data import PageData, TopPatient, TopRow
from calcipath.population.report.page_numbers import attrition, by_site, prevalence, quality
from calcipath.population.report.pictures import hatching
from calcipath.population.report.worklist import NOT_KNOWN

LIMITS: Final = (
    (
        "The list is a reason to look, not a finding at the bedside: whoever works with it does not see the patient. Each "
        "row is a question to those who do. Change no treatment on it."
    ),
    "It speaks for the instant named above. An urgent finding may have been acted on since; ask before anything else.",
    "Unknown means that the record does not say; it never means no. A patient without a row is not a patient without risk.",
    "A gap is a gap in the record that was read. The care may have been given and written down elsewhere.",
    "Dialysis patients without a described skin count as without a lesion for the level “at risk” only, and never elsewhere.",
    (
        "Shares are of everybody in the row’s population: what is not known may be there too. The interval covers chance "
        "only, neither missing nor wrong entries."
    ),
    "The evidence behind the guideline is of very low certainty. No score or probability for a patient is computed.",
)
SITE: Final = "Organization/"  # what a FHIR reference to a site begins with
LONGEST: Final = 240  # characters of a list of what is not known
SHARED: Final = (
    "This page may leave the unit: it names no patient. Counts under {under} are shown as <{under}, all others are "
    "rounded to multiples of {under}; shares are computed from the rounded counts."
)


def render_report(data: PageData) -> str:
    """The page as an HTML document."""
    main = tag(
        "main",
        hatching(),
        _limits(data),
        _groups(data),
        _worklist(data),
        _changes(data),
        *prevalence(data),
        by_site(data),
        attrition(data),
        _impact(data),
        quality(data),
        id="main",
    )
    body = tag("body", _banner(data), main, _footer(data))
    return f"<!doctype html>\n{tag('html', _head(), body, lang='en-GB')}\n"


@cache
def _style() -> Markup:
    house = files("calcipath.output").joinpath("page.css").read_text(encoding="utf-8")
    own = files("calcipath.population.report").joinpath("report.css").read_text(encoding="utf-8")
    return raw(house + own)


def _head() -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", "Calciphylaxis, screening of a population"),
        tag("style", _style()),
    )


def _banner(data: PageData) -> Markup:
    run = data.run.run
    complete = ", ".join(map(str, run.get("complete") or ())) or "nothing"
    facts = [
        ("Patients", data.mask.word(data.patients)),
        (
            "Source",
            f"{wording.clean(run.get('source')) or 'not named'} ({data.run.quality.get('kind', 'unknown kind')})",
        ),
        ("As of", wording.date(run.get("as_of")) or "the end of each record"),
        ("Guideline", f"{data.guideline.id} {data.guideline.version}"),
        ("Free text", "read" if run.get("notes") else "not read"),
        ("Silence read as no for", complete),
    ]
    described = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")
    return tag(
        "header",
        tag("h1", "Calciphylaxis", " ", tag("span", "screening of a population")),
        described,
        tag("p", _headline(data), class_="headline"),
        _contents(data),
    )


def _headline(data: PageData) -> str:
    said = [
        f"{group.label} {data.mask.word(data.group(group.id).patients)}"
        for group in data.guideline.worklist.groups
        if data.group(group.id).patients
    ]
    return "Patients on the worklist: " + ("; ".join(said) if said else "nobody") + "."


def _contents(data: PageData) -> Markup:
    links = [("limits", "Before you use it"), ("groups", "Worklist in numbers")]
    links += [] if data.shared else [("worklist", "Worklist")]
    links += [("changes", "Changes")] if data.comparison else []
    links += [("levels", "Suspicion"), ("factors", "Risk factors"), ("gaps", "Gaps")]
    links += [("sites", "Sites")] if data.patients_by_site else []
    links += [("attrition", "Attrition")]
    links += [("impact", "Cards before go-live")] if data.impact else []
    links += [("quality", "Data")]
    entries = [tag("li", tag("a", name, href=f"#{place}")) for place, name in links]
    return tag("nav", tag("ul", *entries), aria_label="Sections")


def _limits(data: PageData) -> Markup:
    said = [SHARED.format(under=data.mask.under)] if data.shared and data.mask.under else []
    entries = [tag("li", text) for text in (*said, *LIMITS)]
    return section("limits", "Before you use it", "", tag("ul", *entries, class_="limits"))


def _groups(data: PageData) -> Markup:
    rows = []
    for group in data.guideline.worklist.groups:
        count = data.group(group.id)
        rows.append(
            (wording.sentence(group.label), group.means, data.mask.word(count.patients), data.mask.word(count.rows))
        )
    heads = ("Group", "What it means", "Patients", "Rows")
    return section(
        "groups",
        "Worklist in numbers",
        "a patient may be in several groups",
        table(heads, rows, "stacked numbers plain-numbers explained"),
    )


def _worklist(data: PageData) -> Markup | None:
    if data.shared:
        return None
    if not data.top:
        return section("worklist", "Worklist", "", tag("p", "Nobody is on the list.", class_="plain"))
    note = f"the first {wording.count(len(data.top), 'patient')}"
    how = tag(
        "p",
        "Each patient stands once, under the first group that applies, with all rows. Everybody is in worklist.csv: a spreadsheet "
        "can filter it by the columns site and list_group.",
        class_="plain",
    )
    parts = [_group_of_patients(data, group) for group in data.guideline.worklist.groups]
    return section("worklist", "Worklist", note, how, *parts)


def _group_of_patients(data: PageData, group: WorklistGroup) -> Markup | None:
    found = [each for each in data.top if each.group == group.id]
    if not found:
        return None
    whole = data.leading.get(group.id, len(found))
    shown = f"all {whole}" if len(found) == whole else f"the first {len(found)} of {data.mask.word(whole)}"
    title = tag("h3", wording.sentence(group.label), " ", tag("small", f"{shown}, most urgent first"))
    entries = tag("ol", *(_patient(place, each) for place, each in enumerate(found, 1)), class_="patients")
    return join(title, entries)


def _patient(place: int, patient: TopPatient) -> Markup:
    title = tag("h4", f"{place}. ", tag("code", patient.patient), " ", tag("small", patient.site.removeprefix(SITE)))
    return tag("li", title, tag("ul", *(_row(row) for row in patient.rows), class_="items"))


def _row(row: TopRow) -> Markup:
    held = row.verdict == "held"
    said = tag("strong", row.what)
    when = tag("span", f"{wording.URGENCIES[row.urgency]}{', held' if held else ''}", class_="when")
    classes = " ".join(filter(None, ("now" if row.urgency == "now" else "", "held-item" if held else "")))
    cautions = [tag("li", caution) for caution in row.cautions.split(" | ") if caution]
    return tag(
        "li",
        tag("p", when, " ", said, " ", tag("small", row.group)),
        labelled("Why", _shortened(row.why)),
        labelled("To do", row.to_do),
        labelled("Ask first", row.ask_first.replace(" | ", " ")),
        why(tag("ul", *cautions) if cautions else None, "Cautions"),
        class_=classes or None,
    )


def _shortened(why: str) -> str:
    """A long list of what is not known, cut; a reason that stands is never cut."""
    if not why.startswith(NOT_KNOWN) or len(why) <= LONGEST:
        return why
    return f"{why[:LONGEST].rpartition(', ')[0]} … (the whole list is in worklist.csv)"


def _changes(data: PageData) -> Markup | None:
    found = data.comparison
    if found is None:
        return None
    rows = [
        (wording.sentence(change), meaning, *(data.mask.word(_rows(found, group.label, group.id, change)) for group in data.guideline.worklist.groups), data.mask.word(found.total(change)))
        for change, meaning in CHANGES.items()
    ]  # fmt: skip
    heads = ("Change", "Meaning", *(wording.sentence(g.label) for g in data.guideline.worklist.groups), "All rows")
    said = tag(
        "p",
        f"{data.mask.word(found.total(NEW))} new, {data.mask.word(found.total(RESOLVED))} resolved, "
        f"{data.mask.word(found.total(OPEN))} still open since {wording.date(found.previous_as_of) or 'the previous run'}.",
        class_="headline",
    )
    notes = [tag("li", difference) for difference in found.differences]
    differ = (
        join(tag("p", "What else differs between the runs, and may be the cause:"), tag("ul", *notes))
        if notes
        else None
    )
    return section(
        "changes",
        "Changes since the previous run",
        "rows, each in changes.csv" if not data.shared else "rows",
        said,
        differ,
        tag("div", table(heads, rows, "stacked numbers plain-numbers"), class_="wide-table"),
    )


def _impact(data: PageData) -> Markup | None:
    return data.impact(data.mask) if data.impact else None


def _rows(found: Comparison, label: str, name: str, change: str) -> int:
    return found.counts.get((label, change), 0) + found.counts.get((name, change), 0)


def _footer(data: PageData) -> Markup:
    version = wording.clean(data.run.run.get("calcipath"))
    named = f"{data.guideline.id} {data.guideline.version}, {data.guideline.date}"
    return tag(
        "footer",
        tag("p", wording.FOOTER),
        tag("p", f"calcipath {version}. Guideline: {named}. {data.guideline.title}."),
    )
