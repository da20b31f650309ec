"""The section of the report page on cards before go-live, and on what another configuration would change."""

from __future__ import annotations

from typing import Final

from calcipath.output import wording
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, join, tag
from calcipath.population.guideline_changes import CardChange, Changes
from calcipath.population.impact_model import CARDS, INTERRUPTIVE, CardImpact, OrderImpact, ServiceImpact, Tally
from calcipath.population.report.small_numbers import Mask

MOST_ITEMS: Final = 40
CLASSES: Final = "stacked numbers plain-numbers"


def impact_section(now: CardImpact, then: CardImpact | None, changes: Changes | None, mask: Mask) -> Markup:
    """`then` and `changes` are those of another configuration, where there is one."""
    heads = ["Service", "A call is", "Calls", "Cards", "Cards per 1,000 encounters", "Of these interruptive"]
    rows = [_service(each, now, mask) for each in now.services]
    if then is not None:
        heads += ["Cards then", "Interruptive then"]
        others = {each.id: each for each in then.services}
        rows = [(*row, *_then(others.get(each.id), mask)) for row, each in zip(rows, now.services, strict=True)]
    return section(
        "impact",
        "Cards before go-live",
        "each service by itself, with everything prefetched",
        tag("p", _headline(now, mask), class_="headline"),
        tag("div", table(tuple(heads), rows, CLASSES), class_="wide-table"),
        _cards(now, mask),
        _orders(now, mask),
        tag("ul", *(tag("li", wording.sentence(note)) for note in now.notes)) if now.notes else None,
        _changes(changes, mask) if changes is not None else None,
    )


def _headline(now: CardImpact, mask: Mask) -> str:
    counted = "encounters of the last year" if now.encounters_known else "encounters, one for each patient"
    days = now.settings.memory_days
    again = f"none again within {wording.count(int(days), 'day')}" if days else "each again at every call"
    return (
        f"{mask.word(now.patients)} of {mask.word(now.population)} patients, {mask.word(now.encounters)} {counted}; "
        f"at most {wording.count(now.settings.budget, 'card')} a call besides the critical, {again}."
    )


def _service(each: ServiceImpact, now: CardImpact, mask: Mask) -> tuple[object, ...]:
    tally = each.tally
    return (
        each.id,
        each.calls,
        mask.word(tally.calls),
        mask.word(tally.cards),
        _rate(each.per_encounters(CARDS), tally, CARDS, now, mask),
        _rate(each.per_encounters(INTERRUPTIVE), tally, INTERRUPTIVE, now, mask),
    )


def _rate(rate: float, tally: Tally, name: str, now: CardImpact, mask: Mask) -> str:
    """A rate; a hidden count hides it, a rounded one rounds it, and a sample has its interval."""
    count = tally.numbers[name]
    shown = mask.shown(count)
    if shown is None:
        return "hidden"
    said = f"{rate * shown / count:.0f}" if count else "0"
    ends = tally.interval(name, now.share)
    if ends is None or not tally.calls or not now.encounters:
        return said
    low, high = (end * tally.calls / now.encounters for end in ends)
    return f"{said} ({low:.0f} to {high:.0f})"


def _then(each: ServiceImpact | None, mask: Mask) -> tuple[str, str]:
    if each is None:
        return "no such service", ""
    return mask.word(each.tally.cards), mask.word(each.tally.interruptive)


def _cards(now: CardImpact, mask: Mask) -> Markup:
    rows = [
        (each.id, wording.sentence(wording.title(alert.partition(":")[2])), alert.partition(":")[0], mask.word(count))
        for each in now.services
        if not each.orders
        for alert, count in each.tally.named("alert").items()
    ]
    found = table(("Service", "Card", "Kind", "Cards"), rows, CLASSES)
    return _folded("Which cards", found)


def _orders(now: CardImpact, mask: Mask) -> Markup | None:
    service = next((each for each in now.services if each.orders), None)
    if service is None:
        return None
    heads = (
        "Order",
        "Cards if signed once for everybody",
        "Has such a thing running",
        "Cards if signed anew at each encounter",
    )
    return _folded("Orders", table(heads, [_order(each, mask) for each in service.orders], CLASSES))


def _order(each: OrderImpact, mask: Mask) -> tuple[str, ...]:
    if each.running is None:
        return each.title, mask.word(each.everybody.cards), "", ""
    running = each.running
    return each.title, mask.word(each.everybody.cards), mask.word(running.patients), mask.word(running.cards)


def _folded(title: str, content: Markup) -> Markup:
    return tag("details", tag("summary", title), tag("div", content, class_="wide-table"))


def _changes(changes: Changes, mask: Mask) -> Markup:
    said = f"With the other configuration something changes for {mask.word(changes.changed)} of {mask.word(changes.patients)} patients."
    items = [
        (wording.sentence(wording.title(c.item.partition(":")[2] or c.item)), c.item.partition(":")[0], c.was, c.becomes, mask.word(c.patients))
        for c in changes.items[:MOST_ITEMS]
    ]  # fmt: skip
    more = len(changes.items) - MOST_ITEMS
    cards = [(*_card(c), mask.word(c.patients)) for c in changes.cards]
    differ = [tag("li", text) for text in changes.differences]
    return join(
        tag("h3", "What another configuration would change"),
        tag("p", said, class_="headline"),
        join(tag("p", "The runs differ otherwise too, which may be the cause:"), tag("ul", *differ)) if differ else None,
        tag("div", table(("Item", "Kind", "Now", "Then", "Patients"), items, CLASSES), class_="wide-table") if items else None,
        tag("p", f"{more} more in what-if.json.") if more > 0 else None,
        _folded("Cards at a first call", table(("Service", "Card", "Now", "Then", "Patients"), cards, CLASSES)) if cards else None,
    )  # fmt: skip


def _card(change: CardChange) -> tuple[str, str, str, str]:
    return change.service, wording.sentence(wording.title(change.alert.partition(":")[2])), change.was, change.becomes
