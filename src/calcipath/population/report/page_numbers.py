"""The page's sections of numbers: prevalence, sites, attrition, data quality."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from calcipath.output import wording
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, join, tag
from calcipath.population.report.attrition import Step, chains
from calcipath.population.report.page_data import PageData
from calcipath.population.report.pictures import key, share_bar
from calcipath.population.report.prevalence import Count
from calcipath.population.report.small_numbers import Mask

SITES: Final = 40  # on the page; all are in the tables
FACTS: Final = 25
MERE: Final = 2  # steps of a chain without a criterion
HEADS: Final = ("What", "Yes", "Not known", "Of", "Yes, at least", "Picture")


def prevalence(data: PageData) -> list[Markup | None]:
    """Levels, urgent findings, risk factors and the groups of the worklist, for all patients."""
    groups = [g for g in data.guideline.worklist.groups if any(c.measure.kind == g.id for c in data.counts)]
    gaps = [
        join(tag("h3", wording.sentence(g.label)), tag("p", f"Of {g.of}.", class_="plain"), _bars(data, g.id))
        for g in groups
    ]
    return [
        section("levels", "Suspicion", "the level of every patient", key(interval=True), _bars(data, "level")),
        section("urgent-numbers", "Urgent findings", "of every patient", _bars(data, "urgent finding")),
        section("factors", "Risk factors", "of every patient", key(interval=True), _bars(data, "risk factor")),
        section("gaps", "Gaps and questions", "by the group of the worklist", *gaps) if gaps else None,
    ]


def _bars(data: PageData, kind: str) -> Markup:
    found = [c for c in data.counts if c.measure.kind == kind and not c.site]
    if kind != "level":
        found.sort(key=lambda count: (-count.yes, count.measure.label))
    return table(HEADS, [_bar(count, data.mask) for count in found], "stacked numbers bars")


def _bar(count: Count, mask: Mask) -> tuple[object, ...]:
    row = count.as_row(mask)
    hidden = row["percent"] == ""
    most = row["percent_at_most"]
    percent = "" if hidden else f"{row['percent']:.1f} % ({row['percent_low']:.1f}–{row['percent_high']:.1f})"
    if not hidden and most != "" and most > row["percent"]:
        percent += f", at most {most:.1f} %"
    unknown = _share(row["unknown"], row["denominator"])
    picture = None if hidden else share_bar(row["percent"] / 100, unknown, (row["percent_low"] / 100, row["percent_high"] / 100))  # fmt: skip
    shown = [mask.word(n) for n in (count.yes, count.unknown, count.denominator)]
    return (wording.sentence(count.measure.label), *shown, percent, picture or "")


def _share(part: Any, whole: Any) -> float:
    return part / whole if isinstance(part, int) and isinstance(whole, int) and whole else 0.0


def by_site(data: PageData) -> Markup | None:
    """One row a site: its size, its levels, its patients on the worklist."""
    if not data.patients_by_site:
        return None
    groups = data.guideline.worklist.groups
    diagnosed = {
        site: sum(c.yes for c in data.counts if c.site == site and c.measure.item in ("confirmed", "clinical") and c.measure.kind == "level")
        for site in data.patients_by_site
    }  # fmt: skip
    rows = [
        (site.removeprefix("Organization/"), data.mask.word(size), data.mask.word(diagnosed[site]), *(data.mask.word(data.group(g.id, site).patients) for g in groups))
        for site, size in list(data.patients_by_site.items())[:SITES]
    ]  # fmt: skip
    heads = ("Site", "Patients", "Clinical or confirmed", *(wording.sentence(g.label) for g in groups))
    more = len(data.patients_by_site) - len(rows)
    note = "patients in each group" + (f"; {more} smaller sites are in prevalence.csv" if more > 0 else "")
    caution = tag(
        "p",
        "Differences between sites mix patients, documentation and chance; small sites differ by chance alone. No site is ranked.",
        class_="plain",
    )
    return section(
        "sites",
        "By site",
        note,
        caution,
        tag("div", table(heads, rows, "stacked numbers plain-numbers"), class_="wide-table"),
    )


def attrition(data: PageData) -> Markup:
    """Steps of the ladder's rungs in the open, those of the recommendations and schemes behind a summary."""
    rungs: list[tuple[Sequence[Step], Markup]] = []
    others: list[tuple[Sequence[Step], Markup]] = []
    for chain in chains(data.steps):
        drawn = _chain(chain, data)
        (rungs if chain[0].kind == "rung" else others).append((chain, drawn))
    shown = [
        tag("div", tag("h3", wording.sentence(chain[0].label)), drawn, class_="chain")
        for chain, drawn in rungs
        if len(chain) > MERE
    ]
    behind = [
        tag(
            "details",
            tag("summary", f"{wording.sentence(chain[0].kind)}: {wording.title(chain[0].label)}"),
            drawn,
            class_="chain",
        )
        for chain, drawn in others
    ]
    note = "patients left after each criterion; not known is counted apart and never as out"
    return section("attrition", "Attrition", note, key(interval=False), *shown, *behind)


def _chain(chain: Sequence[Step], data: PageData) -> Markup:
    word = data.mask.word
    rows = [
        (f"{step.step}. {wording.sentence(step.criterion)}", word(step.left), word(step.unknown), word(step.out), _step_bar(step, data))
        for step in chain
    ]  # fmt: skip
    return table(("Criterion", "Left", "Not known", "Out", "Picture"), rows, "stacked numbers")


def _step_bar(step: Step, data: PageData) -> Markup | str:
    shown = [data.mask.shown(count) for count in (step.left, step.unknown)]
    if None in shown or not data.patients:
        return ""
    whole = data.mask.shown(data.patients) or data.patients
    return share_bar((shown[0] or 0) / whole, (shown[1] or 0) / whole)


def quality(data: PageData) -> Markup:
    """What could not be used, and which facts are known least."""
    found = data.run.quality
    word = data.mask.word
    counted = [
        ("Entries and lines that could not be read", found.get("unreadable")),
        ("Entries that name no patient", found.get("nobody")),
        ("Patients that only their entries name", found.get("strangers")),
        ("Entries dated after the run’s instant", found.get("future")),
        ("Entries that came in several versions (the newest is used)", found.get("versions")),
    ]
    if found.get("values_not_used") is None:
        counted.append(("Values out of their range or without a fitting unit", None))
    first = table(
        ("What", "Count"),
        [(name, word(int(count)) if isinstance(count, int) else "not counted") for name, count in counted],
        "stacked numbers plain-numbers",
    )
    least = sorted(data.coverage, key=lambda row: (-row.unknown, row.fact))
    known = [row for row in least if row.known][:FACTS]
    never = [row.label for row in least if not row.known]
    rows = [
        (wording.sentence(row.label), word(row.known), word(row.unknown), _age(row.median_age_days), row.how_to_obtain)
        for row in known
    ]
    heads = ("Fact", "Known", "Not known", "Median age", "How to obtain it")
    return section(
        "quality",
        "Data",
        "what was read, what was not used, what is missing",
        first,
        _listed("Read", [f"{name}: {word(int(n))}" for name, n in (found.get("resources") or {}).items()]),
        _problems("Not used as written", found.get("problems"), ("resource_type", "problem", "handling"), data),
        _problems("Values not used", found.get("values_not_used"), ("fact", "why"), data),
        _listed("Codes that were not recognised", [f"{name or 'no system'}: {word(int(n))}" for name, n in (found.get("codes_not_recognised") or {}).items()]),
        tag("h3", "Facts that are known least"),
        table(heads, rows, "stacked numbers plain-numbers"),
        tag("details", tag("summary", f"{len(never)} facts that nobody’s record speaks of"), tag("p", "; ".join(sorted(never)))) if never else None,
        tag("p", "Values that are out of date count as not known here; the run does not keep them apart.", class_="plain"),
    )  # fmt: skip


def _age(days: float | None) -> str:
    return "" if days is None else wording.count(round(days), "day")


def _generic(text: str, name: str) -> str:
    """A problem without what stood in the entry, which could be a date of a patient."""
    return re.sub(r"'[^']*' ", "", text) if name == "handling" else text.replace("-", " ")


def _listed(heading: str, lines: Iterable[str]) -> Markup | None:
    said = "; ".join(lines)
    return join(tag("h3", heading), tag("p", said)) if said else None


def _problems(heading: str, found: Any, names: tuple[str, ...], data: PageData) -> Markup | None:
    if not found:
        return None
    together: Counter[tuple[str, ...]] = Counter()
    for each in found:
        together[tuple(_generic(str(each.get(name, "")), name) for name in names)] += int(each.get("entries", 0))
    rows = [(*texts, data.mask.word(entries)) for texts, entries in together.most_common(FACTS)]
    heads = (*(wording.sentence(name.replace("_", " ")) for name in names), "Entries")
    return join(tag("h3", heading), table(heads, rows, "stacked numbers plain-numbers"))
