"""Alerts as CDS Hooks cards: every required member, evidence with value, unit and date, strength, source, what is unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.hooks.alerts import Alert
from calcipath.hooks.suggestions import suggestions
from calcipath.output import wording

NewId = Callable[[], str]
EVIDENCE, CAUTIONS, ACTIONS = 6, 3, 5
EACH_DETAIL = 6  # recommendations whose grounds are given in one card; the others by name
CLOSING = "Decision support for health professionals: options to weigh, not orders. Unknown is not no."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~<>])")


@dataclass(frozen=True, slots=True)
class CardSettings:
    """`base` is the public address of the service; `page` that of the page for a patient, by SMART launch, or empty."""

    base: str
    page: str = ""


def card(
    alert: Alert,
    guideline: Guideline,
    settings: CardSettings,
    *,
    patient: str,
    encounter: str,
    now: str,
    missing: Mapping[str, str],
    new_id: NewId,
) -> dict[str, Any]:
    """The card of an alert, without empty members."""
    offered = suggestions(alert, guideline.hooks.drafts, patient, encounter, now, new_id)
    found: dict[str, Any] = {
        "uuid": new_id(),
        "summary": alert.summary,
        "indicator": alert.indicator,
        "detail": detail(alert, missing),
        "source": {
            "label": f"calcipath, {guideline.title} {guideline.version}"[:90],
            "url": f"{settings.base}/about",
            "topic": {"system": f"{settings.base}/topics", "code": alert.id, "display": _topic(alert)},
        },
        "overrideReasons": [
            {"code": code, "system": guideline.hooks.override_system, "display": display}
            for code, display in guideline.hooks.override_reasons
        ],
        "links": _links(settings),
    }
    if offered:
        found |= {"suggestions": offered, "selectionBehavior": "any"}
    return found


def _topic(alert: Alert) -> str:
    return alert.id.partition(":")[2].replace("-", " ")


def _links(settings: CardSettings) -> list[dict[str, Any]]:
    links = [
        {
            "label": "About this guideline: sources, limits, source attributes",
            "url": f"{settings.base}/about",
            "type": "absolute",
        }
    ]
    if settings.page:
        links.insert(0, {"label": "Open the whole assessment", "url": settings.page, "type": "smart"})
    return links


def detail(alert: Alert, missing: Mapping[str, str]) -> str:
    """GitHub-flavoured Markdown; what a record says is escaped."""
    parts = [text for item in alert.items[:EACH_DETAIL] for text in _item(item)]
    others = [wording.title(item["id"]) for item in alert.items[EACH_DETAIL:]]
    if others:
        parts.append(f"Also: {escaped(', '.join(others))}.")
    if missing:
        parts.append(_unavailable(missing))
    return "\n\n".join([*parts, f"_{CLOSING}_"])


def _unavailable(missing: Mapping[str, str]) -> str:
    rows = "\n".join(f"- {escaped(key)}: {escaped(why)}" for key, why in missing.items())
    return f"**Not available to this service**, and so unknown:\n{rows}"


def _item(item: Mapping[str, Any]) -> Iterator[str]:
    if "do_now" in item:
        yield from _urgent(item)
        return
    held = item["verdict"] == "held"
    yield f"**{'Held, do not act on this yet' if held else escaped(wording.word_for(item))}: {escaped(item['statement'])}**"
    lines = []
    if held:
        lines += [_hold(guard) for guard in item["held_by"]]
    grounds = _evidence(item["because"])
    if grounds:
        lines.append(f"Because of {grounds}")
    lines += [escaped(text) for text in item["cautions"][:CAUTIONS]]
    if not held:
        lines += [escaped(action["text"]) for action in item["actions"][:ACTIONS]]
    asked = [escaped(ask["question"]) for ask in item["asks"]]
    if asked:
        lines.append(f"Not known, ask first: {' '.join(asked)}")
    lines.append(f"{_grade(item)} {_sources(item['citations'])}")
    yield "\n".join(f"- {line}" for line in lines)


def _urgent(finding: Mapping[str, Any]) -> Iterator[str]:
    yield f"**Urgent: {escaped(finding['finding'])}**"
    lines = [f"Because of {_evidence(finding['evidence'])}"] if finding["evidence"] else []
    lines += [escaped(finding["why"]), *(escaped(each) for each in _listed(finding["do_now"]))]
    lines.append(_sources(finding["citations"]))
    yield "\n".join(f"- {line}" for line in lines if line)


def _listed(value: object) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _hold(guard: Mapping[str, Any]) -> str:
    instead = f" Instead: {escaped(guard['instead'])}" if guard.get("instead") else ""
    who = f" ({escaped(guard['who'])} decides)" if guard.get("who") else ""
    return f"{escaped(wording.sentence(guard['reason']))}.{instead}{who}"


def _evidence(pieces: Sequence[Mapping[str, Any]]) -> str:
    shown = [escaped(wording.evidence(piece)) for piece in pieces[:EVIDENCE]]
    more = len(pieces) - EVIDENCE
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _grade(item: Mapping[str, Any]) -> str:
    return f"Strength: {escaped(item['strength'])}; certainty: {escaped(item['certainty'])}."


def _sources(citations: Sequence[Mapping[str, Any]]) -> str:
    said = [f"{escaped(each['text'])}, {escaped(each['locator'])}" for each in citations[:2]]
    return f"Source: {'; '.join(said)}." if said else ""


def escaped(text: object) -> str:
    """Text in which Markdown means nothing, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
