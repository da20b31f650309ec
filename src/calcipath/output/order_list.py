"""The biopsy and the tests that an answer asks for, as a list to be copied into another system, and what not to order.

Only recommendations whose verdict is yes give lines, and their words are the guideline's. One that is held is named
with its reason and who decides, without an act; one that cannot be decided is named with what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.html_findings import section
from calcipath.output.markup import Markup, join, tag
from calcipath.output.plan import Plan, guards_of, is_held, plan_of, records, sentence_of
from calcipath.output.wording import Item, clean, items

BIOPSY, LABORATORY = "confirm", "investigate"  # sections of the guideline
TITLES = {BIOPSY: "Skin biopsy", LABORATORY: "Laboratory tests"}
ELSEWHERE = "order"  # an action of this kind is listed whatever its section
INTRODUCTION = "Options to weigh, not orders: each is ordered, or not, by whoever is responsible for the patient."


@dataclass(frozen=True, slots=True)
class Line:
    """One line with the recommendation that it comes from."""

    text: str
    recommendation: str


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """The lines of one heading: what to order, what belongs to it, what is held, what cannot be decided."""

    title: str
    lines: tuple[Line, ...]
    cautions: tuple[Line, ...]
    held: tuple[Line, ...]
    undecided: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class OrderList:
    """All of it: questions that come first, the groups, and what not to order."""

    patient: str
    as_of: str
    questions: tuple[Line, ...]
    groups: tuple[OrderGroup, ...]
    not_to_order: tuple[Line, ...]


def order_list(assessment: Item) -> OrderList:
    """The list of an assessment."""
    plan = plan_of(assessment)
    every = records(plan.assessment.get("recommendations"))
    groups = [_group(TITLES[name], [item for item in every if item.get("section") == name]) for name in TITLES]
    others = _other_orders([item for item in every if item.get("section") not in TITLES])
    if others.lines or others.held:
        groups.append(others)
    against = [item for item in every if _of_orders(item) and item.get("direction") == "against" and _applies(item)]
    concerned = {line.recommendation for group in groups for line in (*group.lines, *group.held)}
    concerned |= {clean(item.get("id")) for item in against}
    patient = wording.structure(plan.assessment.get("patient"))
    return OrderList(
        ", ".join(filter(None, (clean(patient.get("id")), wording.person(patient)))),
        wording.date(plan.assessment.get("as_of")) or "unknown",
        tuple(_questions(plan, concerned)),
        tuple(group for group in groups if group.lines or group.held or group.undecided),
        tuple(line for item in against for line in _acts(item)),
    )


def _of_orders(item: Item) -> bool:
    return item.get("section") in TITLES


def _applies(item: Item) -> bool:
    return item.get("verdict") == "yes" and not is_held(item)


def _group(title: str, chosen: Sequence[Item]) -> OrderGroup:
    wanted = [item for item in chosen if item.get("direction") != "against"]
    standing = [item for item in wanted if _applies(item)]
    return OrderGroup(
        title,
        tuple(line for item in standing for line in _acts(item)),
        tuple(Line(wording.say(said), _id(item)) for item in standing for said in items(item.get("cautions"))),
        tuple(_held(item) for item in wanted if is_held(item)),
        tuple(_undecided(item) for item in wanted if not is_held(item) and item.get("verdict") not in ("yes", "no")),
    )


def _other_orders(chosen: Sequence[Item]) -> OrderGroup:
    """Acts of kind `order` that stand in other sections, such as cultures where infection is suspected."""
    lines = [
        Line(wording.say(act), _id(item))
        for item in chosen
        if _applies(item) and item.get("direction") != "against"
        for act in items(item.get("actions"))
        if wording.structure(act).get("kind") == ELSEWHERE
    ]
    return OrderGroup("Other tests", tuple(lines), (), (), ())


def _id(item: Item) -> str:
    return clean(item.get("id"))


def _acts(item: Item) -> Iterator[Line]:
    """The acts of a recommendation; its statement where it has none."""
    acts = [wording.say(act) for act in items(item.get("actions"))]
    for text in [act for act in acts if act] or [sentence_of(clean(item.get("statement")))]:
        yield Line(text, _id(item))


def _held(item: Item) -> Line:
    parts = []
    for guard in guards_of(item):
        who = clean(guard.get("who"))
        parts.append(wording.reason(guard).rstrip(".") + (f" (decides: {who})" if who else ""))
    name = wording.title(item.get("id"))
    return Line(f"held: {name}; " + ("; ".join(filter(None, parts)) or "ask before acting"), _id(item))


def _undecided(item: Item) -> Line:
    missing = wording.titles(items(item.get("missing")))
    name = wording.title(item.get("id"))
    return Line(f"not decided: {name}" + (f"; needs {missing}" if missing else ""), _id(item))


def _questions(plan: Plan, concerned: set[str]) -> Iterator[Line]:
    for question in plan.questions:
        asked_by = [name for name in question.asked_by if name in concerned]
        if asked_by:
            yield Line(question.text, ", ".join(asked_by))


def as_text(orders: OrderList) -> str:
    """Plain text for the clipboard: one line each, every line with its recommendation in brackets."""
    blocks = [[f"Calciphylaxis: biopsy and tests, as of {orders.as_of}", orders.patient, INTRODUCTION]]
    if orders.questions:
        blocks.append(["ANSWER FIRST", *map(_bullet, orders.questions)])
    for group in orders.groups:
        rows = (*group.lines, *group.held, *group.undecided)
        notes = [f"  note: {line.text} [{line.recommendation}]" for line in group.cautions]
        blocks.append([group.title.upper(), *map(_bullet, rows), *notes])
    if orders.not_to_order:
        blocks.append(["NOT TO ORDER", *map(_bullet, orders.not_to_order)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _bullet(line: Line) -> str:
    return f"- {line.text} [{line.recommendation}]"


def order_sections(orders: OrderList) -> Markup:
    """The same as sections of a page, with the plain text in a block that can be selected whole."""
    parts = [
        tag("p", INTRODUCTION, class_="lead"),
        _section("orders-first", "Answer first", [("", orders.questions)]),
        *(
            _section(
                f"orders-{number}",
                group.title,
                [("", group.lines), ("Held", group.held), ("Not decided", group.undecided), ("Note", group.cautions)],
            )
            for number, group in enumerate(orders.groups, start=1)
        ),
        _section("orders-not", "Not to order", [("", orders.not_to_order)]),
        tag(
            "details",
            tag("summary", _("As plain text, to copy")),
            tag("pre", *_lines(as_text(orders)), id="orders-text"),
        ),
    ]
    return join(*parts)


def _lines(text: str) -> list[Markup]:
    """Each line on its own: markup keeps no line breaks of a text."""
    return [tag("span", line, class_="line") if line else tag("br") for line in text.splitlines()]


def _section(place: str, heading: str, groups: Iterable[tuple[str, Sequence[Line]]]) -> Markup | None:
    rows = [
        tag(
            "li",
            tag("span", f"{label} ", class_="label") if label else None,
            line.text,
            " ",
            tag("code", line.recommendation),
        )
        for label, lines in groups
        for line in lines
    ]
    return section(place, heading, "", tag("ul", *rows, class_="orders")) if rows else None
