"""What became of the cards: by recommendation, and how the services did. Counts before rates.

Definitions. A card counts in the period in which it was shown; what is known of it until now counts, whenever it was
received. Where a card has several answers the one with the latest time counts. A card of several recommendations
counts for each of them. A percentile is the smallest value that at least that share of the values do not exceed
(nearest rank). A time to answer below zero (the client's clock) is left out and counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, true

from calcipath.errors import InputError
from calcipath.store.instants import instant_text, seconds_of
from calcipath.store.store import Store
from calcipath.store.tables import cards, decisions, feedback
from calcipath.store.texts import read_list

FEWEST = 5  # cards below which no rate is given
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, never without the whole; `rate` is None where the whole is too small to give one."""

    part: int
    of: int

    @property
    def rate(self) -> float | None:
        return self.part / self.of if self.of >= FEWEST else None


@dataclass(frozen=True, slots=True)
class OverrideCount:
    """How often a coded reason was given; `display` is the latest that was sent with it. No code: a comment, or nothing."""

    system: str
    code: str
    display: str
    count: int


@dataclass(frozen=True, slots=True)
class RecommendationFigures:
    """One recommendation, or an alert without one. `median_seconds` is of the `timed` answers; None without one."""

    id: str
    shown: int
    suppressed: Mapping[str, int]
    accepted: int
    overridden: int
    reasons: tuple[OverrideCount, ...]
    timed: int
    median_seconds: float | None

    @property
    def answered(self) -> int:
        return self.accepted + self.overridden

    @property
    def no_answer(self) -> int:
        return self.shown - self.answered

    @property
    def accepted_of_shown(self) -> Share:
        return Share(self.accepted, self.shown)

    @property
    def accepted_of_answered(self) -> Share:
        return Share(self.accepted, self.answered)


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """One service: its calls, the cards it showed, how long it took in milliseconds, how it answered."""

    id: str
    calls: int
    cards: int
    p50_milliseconds: float
    p95_milliseconds: float
    statuses: Mapping[int, int]

    @property
    def cards_per_call(self) -> float:
        return self.cards / self.calls


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """The report. `since` is within the period, `until` not; None is open. Seconds since 1970, UTC.

    `unknown_cards`: feedback received in the period for cards that this store does not know.
    """

    since: float | None
    until: float | None
    recommendations: tuple[RecommendationFigures, ...]
    services: tuple[ServiceFigures, ...]
    unknown_cards: int


@dataclass(slots=True)
class _Tally:
    shown: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    overridden: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    displays: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, card: Mapping[Any, Any]) -> None:
        """Count a card with its latest feedback."""
        if not card["shown"]:
            self.suppressed[card["why"] or ""] += 1
            return
        self.shown += 1
        if card["outcome"] is None:
            return
        waited = seconds_of(card["outcome_at"]) - seconds_of(card["at"])
        if waited >= 0:
            self.seconds.append(waited)
        if card["outcome"] == "accepted":
            self.accepted += 1
            return
        self.overridden += 1
        reason = (card["reason_system"] or "", card["reason_code"] or "")
        self.reasons[reason] += 1
        if card["reason_display"]:
            said = (card["outcome_at"], card["reason_display"])
            self.displays[reason] = max(self.displays.get(reason, said), said)

    def figures(self, name: str) -> RecommendationFigures:
        ordered = sorted(self.reasons.items(), key=lambda each: (-each[1], each[0]))
        reasons = tuple(
            OverrideCount(*reason, self.displays.get(reason, ("", ""))[1], count) for reason, count in ordered
        )
        return RecommendationFigures(
            name,
            self.shown,
            dict(sorted(self.suppressed.items())),
            self.accepted,
            self.overridden,
            reasons,
            len(self.seconds),
            median(self.seconds) if self.seconds else None,
        )


def feedback_report(store: Store, since: float | None = None, until: float | None = None) -> FeedbackReport:
    """The report of a period, in seconds since 1970. Raises `InputError` for an empty one, and `StoreError`."""
    if since is not None and until is not None and since >= until:
        raise InputError("the period is empty: its end must lie after its beginning")
    tallies: dict[str, _Tally] = {}
    shown: Counter[str] = Counter()
    with store.read() as connection:
        for card in _cards(connection, since, until):
            shown[card["service"]] += int(card["shown"])
            for name in read_list(card["recommendations"]) or (card["alert"],):
                tallies.setdefault(name, _Tally()).add(card)
        services = tuple(_services(connection, since, until, shown))
        unknown = _unknown(connection, since, until)
    figures = sorted((tally.figures(name) for name, tally in tallies.items()), key=lambda each: (-each.shown, each.id))
    return FeedbackReport(since, until, tuple(figures), services, unknown)


def _within(column: ColumnElement[str], since: float | None, until: float | None) -> ColumnElement[bool]:
    bounds = [column >= instant_text(since)] if since is not None else []
    bounds += [column < instant_text(until)] if until is not None else []
    return and_(true(), *bounds)


def _cards(connection: Connection, since: float | None, until: float | None) -> Iterator[Mapping[Any, Any]]:
    """Each card of the period with its latest feedback, in a stream."""
    place = (cards.c.writer, cards.c.number, cards.c.position)
    joined = cards.join(
        decisions, (decisions.c.writer == cards.c.writer) & (decisions.c.number == cards.c.number)
    ).outerjoin(feedback, (feedback.c.card == cards.c.uuid) & (feedback.c.service == decisions.c.service))
    wanted = (
        decisions.c.at, decisions.c.service, cards.c.alert, cards.c.recommendations, cards.c.shown, cards.c.why,
        feedback.c.outcome, feedback.c.outcome_at, feedback.c.reason_system, feedback.c.reason_code,
        feedback.c.reason_display,
    )  # fmt: skip
    latest = (feedback.c.outcome_at, feedback.c.received, feedback.c.digest)
    query = select(*place, *wanted).select_from(joined).where(_within(decisions.c.at, since, until))
    rows = connection.execute(query.order_by(*place, *latest), execution_options={"yield_per": _AT_ONCE}).mappings()
    for _, group in groupby(rows, key=lambda row: (row["writer"], row["number"], row["position"])):
        *_, last = group
        yield last


def _services(
    connection: Connection, since: float | None, until: float | None, shown: Mapping[str, int]
) -> Iterator[ServiceFigures]:
    query = select(decisions.c.service, decisions.c.status, decisions.c.milliseconds)
    query = query.where(_within(decisions.c.at, since, until))
    durations: dict[str, list[float]] = {}
    statuses: dict[str, Counter[int]] = {}
    for service, status, milliseconds in connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
        durations.setdefault(service, []).append(milliseconds)
        statuses.setdefault(service, Counter())[status] += 1
    for service in sorted(durations):
        ordered = sorted(durations[service])
        counted = dict(sorted(statuses[service].items()))
        yield ServiceFigures(
            service, len(ordered), shown.get(service, 0), percentile(ordered, 50), percentile(ordered, 95), counted
        )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile of values in ascending order, of which there is at least one."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _unknown(connection: Connection, since: float | None, until: float | None) -> int:
    known = exists().where(
        cards.c.uuid == feedback.c.card,
        decisions.c.writer == cards.c.writer,
        decisions.c.number == cards.c.number,
        decisions.c.service == feedback.c.service,
    )
    query = select(func.count()).select_from(feedback).where(~known, _within(feedback.c.received, since, until))
    return int(connection.execute(query).scalar_one())
