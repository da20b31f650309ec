"""Pictures of a dosing answer: the curve with its sessions, the spread between people, the share that attains exposure.

Drawn by Matplotlib, which is imported here only. No panel shows what the answer withholds.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from calcipath.errors import InputError
from calcipath.output.dosing_lines import amount
from calcipath.output.markup import Markup, join, raw, tag
from calcipath.thiosulfate.comparison import Comparer, Pair
from calcipath.thiosulfate.curve import LARGEST_BAND, Attainment, RegimenCurve, attainment
from calcipath.thiosulfate.request import reference_doses

if TYPE_CHECKING:
    from calcipath.thiosulfate.answer import Dosed
    from calcipath.thiosulfate.from_levels import Individual

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito, told apart by colour-blind readers
DASHES = ("-", "--", "-.", ":")
SESSION, BAND = "#B7C9D9", "#0072B2"
SETTINGS: Any = {
    "svg.hashsalt": "calcipath",
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
    "text.parse_math": False,
}


def draw_dose(found: Dosed, curve: RegimenCurve, form: str, individual: Individual | None = None) -> bytes:
    """The picture as bytes of `form`: svg, png, or html (a page of its own, nothing to fetch)."""
    if form == "html":
        return _page(found.answer, _figure(found, curve, "svg", individual).decode("utf-8")).encode("utf-8")
    return _figure(found, curve, form, individual)


def _figure(found: Dosed, curve: RegimenCurve, form: str, individual: Individual | None) -> bytes:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("--plot needs Matplotlib: install it with pip install matplotlib") from None
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(9.0, 7.6 if individual is None else 10.2), layout="constrained")
        rows: Any = [["curve", "curve"], ["spread", "share"]] + ([["course", "course"]] if individual else [])
        axes = figure.subplot_mosaic(rows, height_ratios=[1.5, 1.0, 1.2][: len(rows)])
        _draw_curve(axes["curve"], curve)
        people, reference = _people(found)
        _draw_spread(axes["spread"], found, people, reference)
        _draw_share(axes["share"], found, people)
        if individual is not None:
            _draw_course(axes["course"], individual)
        figure.suptitle(_title(found.answer), fontsize=10)
        figure.supxlabel(_wrapped(" ".join(found.answer["words"][:3]), 150), fontsize=7)
        buffer = io.BytesIO()
        metadata = {"Date": None, "Title": _title(found.answer)} if form == "svg" else {"Title": _title(found.answer)}
        figure.savefig(buffer, format=form, dpi=150, metadata=metadata)
    return buffer.getvalue()


def _title(answer: dict[str, Any]) -> str:
    regimen = answer["regimen"]
    held = "HELD, for comparison only: " if answer["status"] == "withheld" else ""
    sessions = regimen["sessions_per_week"]
    schedule = f", {sessions:g} x {amount(regimen['hours_per_session'])} a week" if sessions else ""
    timing = regimen["timing"] if sessions else f"every {amount(regimen['interval'])}"
    told = (
        f"{amount(regimen['dose'])} {regimen['salt']} ({regimen['dose_is']})" if "dose" in regimen else "dose not told"
    )
    dose = f"{told}, {timing}"
    return f"{held}sodium thiosulfate, {dose}\n{regimen['modality']}{schedule}, {amount(answer['patient']['weight'])}"


def _draw_curve(axes: Any, curve: RegimenCurve) -> None:
    for number, (start, end) in enumerate(curve.sessions):
        axes.axvspan(start, end, color=SESSION, lw=0, label="dialysis session" if number == 0 else None)
    low, _, high = curve.band
    name = f"5 to 95 % of {curve.patients} virtual patients"
    axes.fill_between(curve.times, low, high, color=BAND, alpha=0.2, lw=0, label=name)
    for number, (scenario, level) in enumerate(curve.concentration.items()):
        style = {"color": LINES[number % len(LINES)], "ls": DASHES[number % len(DASHES)], "lw": 1.4}
        axes.plot(curve.times, level, label=curve.titles[scenario], **style)
    top = axes.get_ylim()[1]
    for number, (start, end) in enumerate(curve.doses):
        axes.plot([start, end], [-0.02 * top] * 2, color="black", lw=3, label="infusion" if number == 0 else None)
    axes.set_ylim(-0.05 * top, top)
    axes.set_xlim(curve.times[0], curve.times[-1])
    axes.set_xticks(np.arange(0.0, curve.times[-1] + 1e-6, 24.0 if curve.times[-1] <= 400 else 168.0))
    where = "in steady state" if curve.beginning == "steady-state" else "from the first dose"
    axes.set_xlabel(f"h, {where}")
    axes.set_ylabel("thiosulfate, mmol/L")
    axes.legend(fontsize=7.5, loc="upper right", framealpha=0.9)


def _people(found: Dosed) -> tuple[Pair, float | None]:
    """The virtual patients of the picture, and mmol of the reference dose where it is defined."""
    assert found.request is not None  # noqa: S101  a picture is drawn of an answer
    from dataclasses import replace

    request = replace(found.request, population=min(found.request.population, LARGEST_BAND))
    comparer = Comparer(request, found.knowledge)
    doses = reference_doses(request.patient.weight, found.knowledge)
    mmol = doses[0] / found.knowledge.salts["pentahydrate"].molar_mass * 1000.0 if len(doses) == 1 else None
    return comparer.population(comparer.scenarios[0]), mmol


def _draw_spread(axes: Any, found: Dosed, people: Pair, reference: float | None) -> None:
    own = (
        people.regimen.weekly_auc * found.request.product.mmol(found.grams)
        if found.request
        else people.regimen.weekly_auc
    )
    both = [own] if reference is None else [own, people.reference.weekly_auc * reference]
    edges = np.linspace(0.0, float(np.percentile(np.concatenate(both), 99.5)), 41)
    axes.hist(own, bins=edges, color=BAND, alpha=0.45, label="this regimen")
    if reference is not None:
        axes.hist(both[1], bins=edges, histtype="step", color="black", lw=1.2, label="reference regimen")
    axes.set_xlabel("weekly AUC, mmol·h/L")
    axes.set_ylabel("virtual patients")
    axes.legend(fontsize=7.5)


def _draw_share(axes: Any, found: Dosed, people: Pair) -> None:
    """Only where a matched dose is shown: the picture would give one away."""
    matched = found.answer["matched"]
    if matched["status"] != "shown" or found.request is None:
        axes.axis("off")
        axes.text(
            0.0, 1.0, _wrapped(f"no matched dose: {matched['reason']}"), va="top", fontsize=8, transform=axes.transAxes
        )
        return
    (reference,) = reference_doses(found.request.patient.weight, found.knowledge)
    mmol = reference / found.knowledge.salts["pentahydrate"].molar_mass * 1000.0
    share: Attainment = attainment(people, found.request, found.knowledge, mmol)
    axes.plot(share.doses, 100 * share.at_least, color=LINES[0], label="reach their own reference exposure")
    near = f"come within {share.agreement:.0%} of it"
    axes.plot(share.doses, 100 * share.near, color=LINES[1], ls="--", label=near)
    axes.axvline(matched["dose"]["value"], color="black", lw=0.8, label="matched dose")
    axes.set_ylim(-2, 102)
    axes.set_xlabel(f"dose, g {found.request.product.salt.id}")
    axes.set_ylabel("% of virtual patients")
    axes.legend(fontsize=7.5)


def _draw_course(axes: Any, found: Individual) -> None:
    course = found.course
    for number, (start, end) in enumerate(found.subject.sessions):
        axes.axvspan(start, end, color=SESSION, lw=0, label="dialysis session" if number == 0 else None)
    low, high = course.interval
    name = f"this patient, {low:g} to {high:g} %"
    axes.fill_between(
        course.times, course.concentration.low, course.concentration.high, color=LINES[2], alpha=0.25, lw=0, label=name
    )
    axes.plot(course.times, course.concentration.median, color=LINES[2], label="this patient, median")
    known = [level for level in found.subject.levels if not level.below]
    below = [level for level in found.subject.levels if level.below]
    if known:
        axes.plot([x.time for x in known], [x.value for x in known], "ko", ms=4, label="measured")
    if below:
        axes.plot(
            [x.time for x in below], [x.value for x in below], "kv", ms=5, mfc="none", label="below quantification"
        )
    axes.set_xlabel("h of the event table")
    axes.set_ylabel("thiosulfate, mmol/L")
    axes.legend(fontsize=7.5, loc="upper right")
    axes.set_title("From measured levels (research use)", fontsize=9)


def _wrapped(text: str, width: int = 58) -> str:
    import textwrap

    return textwrap.fill(text, width)


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:1rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "svg{max-width:100%;height:auto}th{text-align:left;padding-right:1rem;font-weight:600;vertical-align:top}"
    ".held{border-left:.4rem solid #b00020;padding-left:.8rem}"
)


def _page(answer: dict[str, Any], drawing: str) -> str:
    regimen, exposure = answer["regimen"], answer["exposure"]
    rows = [
        ("Weekly AUC", exposure["weekly_auc"]), ("Peak", exposure["peak"]), ("Trough", exposure["trough"]),
        ("Sodium a dose", exposure.get("sodium_per_dose")), ("Sodium a week", exposure.get("sodium_per_week")),
        ("Final volume", regimen.get("final_volume")),
    ]  # fmt: skip
    held = None
    if answer["status"] == "withheld":
        held = tag("section", tag("h2", "Held: do not give it yet"), tag("p", answer["reason"]), class_="held")
    picture = tag("figure", raw(drawing[drawing.index("<svg") :]), role="img", aria_label=_described(answer))
    body = [
        tag("h1", "Sodium thiosulfate: exposure on this dialysis"),
        tag("p", answer["words"][0]),
        held,
        _listed("Answer first", [each["question"] for each in answer["questions"]]),
        _listed("Warnings", answer["warnings"]),
        picture,
        tag(
            "table",
            *(tag("tr", tag("th", name, scope="row"), tag("td", amount(value))) for name, value in rows if value),
        ),
        tag("p", f"Matched dose: {answer['matched']['status']}. {answer['matched']['reason']}."),
        _listed("To know", [*answer.get("information", ()), *answer["words"][1:]]),
    ]
    head = tag("head", tag("meta", charset="utf-8"), tag("meta", name_="viewport", content="width=device-width"),
               tag("title", "Sodium thiosulfate: exposure"), tag("style", raw(STYLE)))  # fmt: skip
    return "<!doctype html>\n" + str(tag("html", head, tag("body", tag("main", join(*body))), lang="en"))


def _described(answer: dict[str, Any]) -> str:
    exposure = answer["exposure"]
    return (
        f"{_title(answer)}. Concentration over time with dialysis sessions: peak {amount(exposure['peak'])}, trough "
        f"{amount(exposure['trough'])}, weekly AUC {amount(exposure['weekly_auc'])}; below, the spread between virtual patients."
    ).replace("\n", ", ")


def _listed(title: str, sentences: list[str]) -> Markup | None:
    if not sentences:
        return None
    return tag("section", tag("h2", title), tag("ul", *(tag("li", each) for each in sentences)))
