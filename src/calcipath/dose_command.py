"""`calcipath dose`: its options and what it prints. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from calcipath.errors import InputError
from calcipath.record_options import record_options

if TYPE_CHECKING:
    from calcipath.dosing import DoseOptions
    from calcipath.thiosulfate.answer import Dosed
    from calcipath.thiosulfate.curve import RegimenCurve
    from calcipath.thiosulfate.from_levels import Individual

PLOT_FORMS = ("svg", "png", "html")
MODALITIES = ("hemodialysis", "hemodiafiltration", "cvvh", "cvvhd", "cvvhdf", "peritoneal", "none")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    patient = parser.add_argument_group("patient")
    _number(patient, "--weight", "KG", "dry body weight")
    _number(patient, "--gfr", "ML/MIN", "glomerular filtration rate, residual on dialysis")
    _number(patient, "--egfr", "ML/MIN/1.73M2", "the same by body surface, with --height")
    _number(patient, "--height", "CM", "height")
    _dialysis_options(parser.add_argument_group("dialysis"))
    _regimen_options(parser.add_argument_group("regimen"))
    _model_options(parser.add_argument_group("model"))
    _level_options(parser.add_argument_group("measured levels (research use)"))
    _output_options(parser.add_argument_group("output"))


def _dialysis_options(dialysis: Any) -> None:
    dialysis.add_argument("--modality", choices=MODALITIES, help="kind of dialysis")
    _number(dialysis, "--sessions", "N", "sessions a week: 1 to 7, or 3.5 for every other day")
    _number(dialysis, "--hours", "H", "length of a session")
    _number(dialysis, "--koa", "ML/MIN", "dialyser KoA, with both flows; else the published clearance")
    _number(dialysis, "--blood-flow", "ML/MIN", "blood flow")
    _number(dialysis, "--dialysate-flow", "ML/MIN", "dialysate flow")
    _number(dialysis, "--substitution", "L", "haemodiafiltration: substitution volume a session")
    _number(dialysis, "--effluent", "ML/KG/H", "continuous therapy: effluent flow")
    _number(
        dialysis,
        "--predilution",
        "SHARE",
        "share (0 to 1) of effluent (haemodiafiltration: of substitution) before the filter",
    )
    _number(dialysis, "--drained", "L/DAY", "peritoneal dialysis: drained volume (default 10)")


def _regimen_options(regimen: Any) -> None:
    regimen.add_argument("--salt", help="pentahydrate or anhydrous: read it off the vial")
    _number(regimen, "--dose", "G", "dose in grams of the salt (default: the reference dose)", _grams)
    _number(regimen, "--concentration", "MG/ML", "of the product (default 250)")
    _number(regimen, "--vial", "G", "in one vial (default 12.5)")
    regimen.add_argument("--diluent", choices=("none", "saline", "dextrose"), default="none", help="default: none")
    _number(regimen, "--diluent-volume", "ML", "volume of the diluent")
    regimen.add_argument(
        "--timing",
        metavar="WHEN",
        help="first-hour, last-hour (default), last-half-hour, after, or hours after the session's start",
    )
    _number(regimen, "--infusion", "MIN", "length of the infusion (default: 60, or 30 in the last half hour)")
    _number(regimen, "--interval", "H", "between doses, where no session sets it (default 48, 56 or 84)")
    regimen.add_argument(
        "--match-reference", action="store_true", help="simulate the dose of equal exposure, if allowed"
    )


def _model_options(model: Any) -> None:
    model.add_argument("--population", type=int, default=2000, metavar="N", help="virtual patients (default 2000)")
    model.add_argument("--seed", type=int, default=1, metavar="N", help="of the virtual patients (default 1)")
    model.add_argument("--parameters", default="", metavar="FILE", help="own kinetic scenarios (YAML)")


def _level_options(levels: Any) -> None:
    levels.add_argument(
        "--levels", metavar="FILE", help="event table (NONMEM layout) of this patient: doses, levels, DIAL"
    )
    levels.add_argument(
        "--carry", choices=("backward", "forward"), default="backward", help="for which time a DIAL value holds"
    )
    levels.add_argument("--amounts", choices=("mmol", "g"), default="mmol", help="unit of AMT and RATE (g of the salt)")


def _output_options(output: Any) -> None:
    output.add_argument(
        "--format", choices=("table", "json", "csv"), default="table", help="default: table; csv is the curve"
    )
    output.add_argument("--output", metavar="FILE", help="write to a file, whole or not at all")
    output.add_argument("--plot", metavar="FILE", help="draw the curve: a name that ends in .svg, .png or .html")
    output.add_argument("--event-table", metavar="FILE", help="write doses and sessions in the NONMEM layout")
    output.add_argument(
        "--from-first-dose", action="store_true", help="the curve from the first dose, not in steady state"
    )
    output.add_argument("--days", type=_plain, default=7.0, metavar="N", help="length of curve and table (default 7)")


def _number(group: Any, name: str, unit: str, meaning: str, read: Callable[[str], float] | None = None) -> None:
    group.add_argument(name, type=read or _plain, metavar=unit, help=meaning)


def _plain(text: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text.strip(), re.ASCII):
        raise argparse.ArgumentTypeError(f"needs a number with a decimal point and no unit, not {text!r}")
    return float(text)


def _grams(text: str) -> float:
    shape = re.fullmatch(r"([\d.]+)\s*(mg|g)", text.strip(), re.ASCII | re.IGNORECASE)
    if shape is None:
        return _plain(text)
    if shape[2].lower() == "mg":
        raise argparse.ArgumentTypeError(
            f"is in grams, not {text!r}: write {_plain(shape[1]) / 1000:g}, or was {shape[1]} g meant?"
        )
    return _plain(shape[1])


def run(chosen: argparse.Namespace, width: int, colour: bool) -> str:
    """The text to print. Writes the picture and the event table where they are asked for."""
    form = _plot_form(chosen.plot)
    found = _answer(chosen)
    individual = _individual(chosen, found)
    if individual is not None:
        from calcipath.thiosulfate.from_levels import individual_answer

        found.answer["individual"] = individual_answer(individual)
    content = _content(chosen, found, individual, width, colour)
    if found.held and chosen.format == "csv":
        sys.stderr.write(f"calcipath: held, the curve is for comparison only: {found.answer['reason']}\n")
    events = ""
    if chosen.event_table:
        from calcipath.dosing import event_table_of

        events = event_table_of(found, days=chosen.days, carry=chosen.carry)
    if form:
        from calcipath.output.dose_plot import draw_dose
        from calcipath.output.writing import write_bytes

        write_bytes(chosen.plot, draw_dose(found, _curve(chosen, found), form, individual))
    if events:
        from calcipath.output.writing import write_file

        write_file(chosen.event_table, events)
    return content


def _plot_form(path: str | None) -> str:
    if not path:
        return ""
    form = path.rpartition(".")[2].lower()
    if form not in PLOT_FORMS:
        raise InputError(f"--plot {path}: the name must end in .svg, .png or .html")
    return form


def _content(chosen: argparse.Namespace, found: Dosed, individual: Individual | None, width: int, colour: bool) -> str:
    if chosen.format == "json":
        import json

        return json.dumps(found.answer, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    if chosen.format == "csv":
        from calcipath.output.dose_csv import course_table, curve_table

        return course_table(individual) if individual is not None else curve_table(_curve(chosen, found))
    from calcipath.output.dose_text import render_dose

    return render_dose(found.answer, width=width, colour=colour)


def _curve(chosen: argparse.Namespace, found: Dosed) -> RegimenCurve:
    from calcipath.dosing import curve_of

    return curve_of(found, beginning="first-dose" if chosen.from_first_dose else "steady-state", days=chosen.days)


def _individual(chosen: argparse.Namespace, found: Dosed) -> Individual | None:
    if not chosen.levels:
        return None
    from calcipath.dosing import individual_of

    return individual_of(found, chosen.levels, carry=chosen.carry, amounts=chosen.amounts)


def _answer(chosen: argparse.Namespace) -> Dosed:
    from calcipath.output.progress import progress_bar

    options = _options(chosen)
    bar = progress_bar(chosen.population, "virtual patients")
    if chosen.record is None and chosen.server is None:
        from calcipath.dosing import dosed

        return dosed(options, bar)
    from calcipath.api import dose_path, dose_server

    if chosen.server is None:
        asked = replace(record_options(chosen), patient=chosen.patient or "")
        return dose_path(chosen.record, options, asked, bar)
    return dose_server(chosen.server, chosen.patient, options, record_options(chosen), bar)


def _options(chosen: argparse.Namespace) -> DoseOptions:
    from dataclasses import fields

    from calcipath.dosing import DoseOptions

    given = vars(chosen)
    return DoseOptions(**{each.name: given[each.name] for each in fields(DoseOptions) if each.name in given})
