"""The controls of the dosing view, and what they say as the options of a dosing question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calcipath.output.markup import Markup, tag
from calcipath.output.plan import records
from calcipath.page.language import _
from calcipath.page.layout import field, post, select
from calcipath.page.visit import Form, Visit
from calcipath.thiosulfate.options import DoseOptions

RESULT = "dose-result"


@dataclass(frozen=True, slots=True)
class Control:
    """A number that is set by typing or by moving a slider."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    step: float
    note: str = ""


def _controls() -> tuple[Control, ...]:
    return (
        Control("weight", _("Body weight"), "kg", 30, 200, 0.5),
        Control("sessions", _("Sessions a week"), "", 1, 7, 1, _("for haemodialysis and haemodiafiltration")),
        Control("hours", _("Hours a session"), "h", 1, 10, 0.25),
        Control("dose", _("Dose each time"), "g", 1, 50, 0.5),
    )


_MORE = (
    "infusion",
    "interval",
    "gfr",
    "egfr",
    "height",
    "concentration",
    "vial",
    "effluent",
    "substitution",
    "drained",
)


def controls(visit: Visit, options: Mapping[str, Any], salts: tuple[str, ...], address: str) -> Markup:
    """The form with its controls. It is sent anew whenever one of them moves."""
    modalities = [("", _("as recorded, or not known")), ("hemodialysis", _("haemodialysis")),
                  ("hemodiafiltration", _("haemodiafiltration")), ("peritoneal", _("peritoneal dialysis")),
                  ("cvvh", "CVVH"), ("cvvhd", "CVVHD"), ("cvvhdf", "CVVHDF"), ("none", _("no dialysis"))]  # fmt: skip
    timings = [("last-hour", _("in the last hour of a session")), ("last-half-hour", _("in the last half hour of a session")),
               ("first-hour", _("in the first hour of a session")), ("after", _("after the session"))]  # fmt: skip
    salt = [("", _("not stated")), *((each, each) for each in salts)]
    chosen = {name: str(options.get(name) or "") for name in ("modality", "timing", "salt")}
    return post(
        visit,
        address,
        field(_("Dialysis"), select("modality", "dose-modality", modalities, chosen["modality"]), for_="dose-modality"),
        *(_slider(each, options.get(each.name)) for each in _controls()),
        field(
            _("Given"), select("timing", "dose-timing", timings, chosen["timing"] or "last-hour"), for_="dose-timing"
        ),
        field(
            _("Salt on the label"),
            select("salt", "dose-salt", salt, chosen["salt"]),
            for_="dose-salt",
            note=_("needed: read it on the vial; 25 g of one salt is not 25 g of the other"),
        ),
        _more(options),
        tag("button", _("Simulate")),
        tag("p", "", id="dose-said", role="status", class_="hidden"),
        class_="controls",
        data_live=RESULT,
        id="dose-controls",
    )


def _slider(control: Control, value: object) -> Markup:
    shown = f"{value:g}" if isinstance(value, int | float) else str(value or "")
    id_ = f"dose-{control.name}"
    number = tag("input", name=control.name, id=id_, value=shown, inputmode="decimal", size="6", autocomplete="off", placeholder="–",
                 aria_describedby=f"{id_}-note" if control.note else None)  # fmt: skip
    slider = tag("input", type="range", min=f"{control.low:g}", max=f"{control.high:g}", step=f"{control.step:g}",
                 value=shown or f"{control.low:g}", data_for=id_, aria_label=f"{control.label}, {_('slider')}", class_=None if shown else "unset")  # fmt: skip
    both = tag("span", number, " ", tag("span", control.unit), slider, class_="with-slider")
    return field(control.label, both, for_=id_, note=control.note)


def _more(options: Mapping[str, Any]) -> Markup:
    names = {
        "infusion": _("Infusion lasts, min"), "interval": _("Hours between doses (without sessions)"), "gfr": _("Clearance of the own kidneys, mL/min"),
        "egfr": _("or eGFR, mL/min/1.73 m²"), "height": _("with height, cm"), "concentration": _("Concentration of the product, mg/mL"),
        "vial": _("Vial, g"), "effluent": _("Effluent, mL/kg/h (continuous)"), "substitution": _("Substitution, L a session (haemodiafiltration)"),
        "drained": _("Drained, L/day (peritoneal)"),
    }  # fmt: skip
    rows = []
    for name in _MORE:
        value = options.get(name)
        shown = f"{value:g}" if isinstance(value, int | float) else ""
        control = tag(
            "input", name=name, id=f"dose-{name}", value=shown, inputmode="decimal", size="7", autocomplete="off"
        )
        rows.append(field(names[name], control, for_=f"dose-{name}"))
    opened = "open" if any(options.get(name) is not None for name in _MORE) else None
    return tag(
        "details",
        tag("summary", _("More about the patient, the product and the treatment")),
        tag("div", *rows, class_="row"),
        open=opened,
    )


def options_of(form: Form) -> DoseOptions:
    """What the controls say. Raises `InputError` for what is no number."""
    numbers = {name: form.number(name, name) for name in ("weight", "sessions", "hours", "dose", *_MORE)}
    modality = form.text("modality") or None
    if modality not in ("hemodialysis", "hemodiafiltration"):
        numbers["sessions"] = numbers["hours"] = None
    timing = form.text("timing") if modality in ("hemodialysis", "hemodiafiltration", None) else ""
    return DoseOptions(**numbers, modality=modality, timing=timing or None, salt=form.text("salt") or None)  # type: ignore[arg-type]


def recorded(dosing: Mapping[str, Any]) -> dict[str, Any]:
    """What the record gives for the controls, by their names, from a dosing answer."""
    found: dict[str, Any] = {}
    for read in records(dosing.get("read")):
        value = read.get("value")
        name = str(read.get("input", "")).replace("-", "_")
        found[name] = value.get("value") if isinstance(value, Mapping) else value
    return found
