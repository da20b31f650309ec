"""The section of the report page on cards before go-live, and on what another configuration would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from calcipath.output import wording
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, join, tag
from calcipath.population.guideline_changes import CardChange, Changes, ItemChange
from calcipath.population.impact_model import CARDS, INTERRUPTIVE, CardImpact, OrderImpact, ServiceImpact, Tally
from calcipath.population.report.small_numbers import Mask

MOST_ITEMS: Final = 40
CLASSES: Final = "stacked numbers plain-numbers counts"
HOW: Final = (
    "Each service is counted by itself, as if no other were connected. A warning or critical card interrupts. Nobody has "
    "been shown anything yet: the cards are worked out from the record of one day."
)
FOUND: Final = frozenset({"yes", "held", "established", "favoured"})  # what a patient's page would show


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
        "what clinicians would see if the services were switched on",
        tag("p", _headline(now, mask), class_="headline"),
        tag("p", HOW, class_="plain"),
        tag("div", table(tuple(heads), rows, CLASSES), class_="wide-table"),
        _cards(now, mask),
        _orders(now, mask),
        _notes(now.notes),
        _changes(changes, {each.id: _name(each) for each in now.services}, mask) if changes is not None else None,
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
        _name(each),
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
        (
            _name(each),
            wording.sentence(wording.title(alert.partition(":")[2])),
            alert.partition(":")[0],
            mask.word(count),
        )
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


def _notes(notes: Sequence[str]) -> Markup | None:
    return tag("ul", *(tag("li", f"{wording.sentence(note)}.") for note in notes), class_="limits") if notes else None


def _name(service: ServiceImpact) -> str:
    """The title of a service without the word that all of them begin with."""
    return wording.sentence(service.title.partition(": ")[2] or service.title)


def _changes(changes: Changes, names: Mapping[str, str], mask: Mask) -> Markup:
    said = f"With the other configuration something changes for {mask.word(changes.changed)} of {mask.word(changes.patients)} patients."
    found = [c for c in changes.items if _is_level(c) or {c.was, c.becomes} & FOUND]
    others = [c for c in changes.items if c not in found]
    differ = [tag("li", text) for text in changes.differences]
    return join(
        tag("h3", "What another configuration would change"),
        tag("p", said, class_="headline"),
        join(tag("p", "The runs differ otherwise too, which may be the cause:"), tag("ul", *differ, class_="limits")) if differ else None,
        tag("div", _items(found, mask), class_="wide-table") if found else tag("p", "Nothing that is found would change.", class_="plain"),
        _folded("Only between no and not known", _items(others, mask)) if others else None,
        _folded("Cards at a first call", _first_cards(changes.cards, names, mask)) if changes.cards else None,
        tag("p", "Patient by patient it is in what-if.csv, all counts are in what-if.json.", class_="plain"),
    )  # fmt: skip


def _is_level(change: ItemChange) -> bool:
    return ":" not in change.item


def _items(changes: Sequence[ItemChange], mask: Mask) -> Markup:
    rows = [
        (wording.sentence(wording.title(c.item.partition(":")[2] or c.item)), c.item.partition(":")[0].replace("-", " "), wording.title(c.was), wording.title(c.becomes), mask.word(c.patients))
        for c in changes[:MOST_ITEMS]
    ]  # fmt: skip
    more = len(changes) - MOST_ITEMS
    found = table(("Item", "Kind", "Now", "Then", "Patients"), rows, CLASSES)
    return join(found, tag("p", f"{more} more in what-if.json.")) if more > 0 else found


def _first_cards(changes: Sequence[CardChange], names: Mapping[str, str], mask: Mask) -> Markup:
    rows = [
        (names.get(c.service, c.service), wording.sentence(wording.title(c.alert.partition(":")[2])), c.was, c.becomes, mask.word(c.patients))
        for c in changes
    ]  # fmt: skip
    return table(("Service", "Card", "Now", "Then", "Patients"), rows, CLASSES)
