"""Small pictures beside numbers: a share with its interval and what is not known, as one inline SVG a row.

The numbers stand in the cells beside, so the picture is hidden from a reader that speaks. Nothing rests on colour:
what is there is filled, what is not known is hatched, what is absent is empty, the interval is a line with ends.
"""

from __future__ import annotations

from calcipath.output.markup import Markup, join, tag

WIDTH, HEIGHT = 240.0, 16.0


def hatching() -> Markup:
    """The pattern of what is not known, once for the page."""
    line = tag("path", d="M0 6 L6 0", class_="hatch")
    pattern = tag("pattern", line, id="unknown", width="6", height="6", patternUnits="userSpaceOnUse")
    return tag("svg", tag("defs", pattern), width="0", height="0", class_="patterns", aria_hidden="true")


def share_bar(yes: float, unknown: float, interval: tuple[float, float] | None = None) -> Markup:
    """Shares from 0 to 1 of one whole."""
    yes = min(max(yes, 0.0), 1.0)
    unknown = min(max(unknown, 0.0), 1.0 - yes)
    shapes = [
        tag("rect", x="0.5", y="2.5", width=_n(WIDTH - 1), height="11", class_="whole"),
        tag("rect", x="0.5", y="2.5", width=_n(yes * (WIDTH - 1)), height="11", class_="there"),
        tag("rect", x=_n(0.5 + yes * (WIDTH - 1)), y="2.5", width=_n(unknown * (WIDTH - 1)), height="11", class_="not-known"),
    ]  # fmt: skip
    if interval is not None:
        low, high = (_n(0.5 + end * (WIDTH - 1)) for end in interval)
        shapes.append(tag("path", d=f"M{low} 8 H{high} M{low} 4.5 V11.5 M{high} 4.5 V11.5", class_="interval halo"))
        shapes.append(tag("path", d=f"M{low} 8 H{high} M{low} 4.5 V11.5 M{high} 4.5 V11.5", class_="interval"))
    return tag(
        "svg", *shapes, viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", class_="share", aria_hidden="true", focusable="false"
    )


def key(*, interval: bool) -> Markup:
    """What the parts of the picture mean."""
    parts = [
        (share_sample("there"), "yes on record (at least this share)"),
        (share_sample("not-known"), "not known"),
        (share_sample("whole"), "no on record"),
    ]
    entries = [tag("li", sample, " ", words) for sample, words in parts]
    if interval:
        entries.append(tag("li", "Line with ends: 95 % interval (Wilson) of the filled share"))
    return tag("ul", join(*entries), class_="picture-key")


def share_sample(name: str) -> Markup:
    """A sample of one part."""
    box = tag("rect", x="0.5", y="0.5", width="17", height="9", class_=name)
    return tag("svg", box, viewBox="0 0 18 10", width="18", height="10", aria_hidden="true", focusable="false")


def _n(value: float) -> str:
    return f"{max(value, 0.0):.1f}".removesuffix(".0")
