"""What a reader of a card may ask about its source: intended use, limits, the thirteen source attributes, topics."""

from __future__ import annotations

from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.output.markup import Markup, join, raw, tag

INTENDED_USE = (
    "For health professionals who care for people with suspected or confirmed calciphylaxis. It shows a guideline beside a "
    "record: options to weigh, never orders. It is not for emergencies, and no medical device."
)
LIMITS = (
    "Evidence in calciphylaxis is of very low certainty almost throughout. Sodium thiosulfate is used off-label.",
    "What a record does not say is unknown, never no. What could not be looked at is named in the card.",
    "Not validated in practice. Free text is read in English.",
)
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "dt{font-weight:600;margin-top:.6rem}dd{margin:0}"
)


def about(guideline: Guideline) -> dict[str, Any]:
    """As plain structures."""
    names = {"guideline": guideline.id, "version": guideline.version, "date": guideline.date}
    return {
        "guideline": {
            "id": guideline.id,
            "version": guideline.version,
            "date": guideline.date,
            "title": guideline.title,
        },
        "intendedUse": INTENDED_USE,
        "limits": list(LIMITS),
        "sourceAttributes": [
            {"id": each.id, "title": each.title, "text": each.text.format(**names)}
            for each in guideline.hooks.attributes
        ],
        "recommendations": [
            {
                "id": item.id,
                "statement": item.statement,
                "direction": item.direction,
                "strength": item.strength,
                "certainty": item.certainty,
                "citations": [f"{each.source.citation}, {each.locator}" for each in item.citations],
            }
            for item in guideline.recommendations
        ],
    }


def about_page(guideline: Guideline) -> str:
    """As a page."""
    found = about(guideline)
    attributes = [
        join(tag("dt", each["title"], id=each["id"]), tag("dd", each["text"])) for each in found["sourceAttributes"]
    ]
    rows = [
        tag(
            "li",
            tag("b", item["statement"]),
            f" {item['strength']}; certainty {item['certainty']}. ",
            "; ".join(item["citations"]),
        )
        for item in found["recommendations"]
    ]
    body: list[Markup] = [
        tag("h1", f"{guideline.title}, version {guideline.version}"),
        tag("h2", "Intended use"),
        tag("p", INTENDED_USE),
        tag("h2", "Limits"),
        tag("ul", *(tag("li", each) for each in LIMITS)),
        tag("h2", "Source attributes", id="source-attributes"),
        tag("dl", *attributes),
        tag("h2", "Recommendations"),
        tag("ul", *rows),
    ]
    head = tag("head", tag("meta", charset="utf-8"), tag("title", guideline.title), tag("style", raw(STYLE)))
    return "<!doctype html>\n" + str(tag("html", head, tag("body", tag("main", *body)), lang="en"))


def topics(guideline: Guideline) -> dict[str, Any]:
    """The codes that cards use as their topic."""
    hooks = guideline.hooks
    codes = {f"group:{name}": name for name in hooks.groups} | {f"order:{each.id}": each.title for each in hooks.orders}
    codes |= {f"urgent:{each.id}": each.id for each in guideline.urgent} | {"check:incomplete": "check incomplete"}
    return {"topics": [{"code": code, "display": shown.replace("-", " ")} for code, shown in codes.items()]}
