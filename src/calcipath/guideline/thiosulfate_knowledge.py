"""What the guideline holds on sodium thiosulfate: kinetic scenarios, products, published regimens, words. Typed and read.

Numbers are kept in the units of the simulation: clearance L/h/kg, volume L/kg, concentration mmol/L, production
mmol/h/kg, dose g, molar mass g/mol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import ContentFile, Entry, top, unique
from calcipath.guideline.fact_reader import number_with_unit, read_citation
from calcipath.guideline.model import Citation, Default, Mark, Source
from calcipath.guideline.record_inputs import RecordInputs, read_record_inputs
from calcipath.guideline.units import UnitError, convert

CLEARANCE, VOLUME, LEVEL, PRODUCTION = "L/h/kg", "L/kg", "mmol/L", "mmol/h/kg"
PARAMETERS: Mapping[str, str] = {
    "nonrenal-kidney-failure": CLEARANCE,
    "nonrenal-healthy": CLEARANCE,
    "renal-healthy": CLEARANCE,
    "hemodialysis": CLEARANCE,
    "volume": VOLUME,
    "endogenous-level": LEVEL,
    "endogenous-production": PRODUCTION,
}
SPREADLESS = {"endogenous-production"}
TIGHTEN_ONLY = ("thiosulfate-highest-dose", "thiosulfate-scenario-agreement", "thiosulfate-vial-rounding")
PRODUCT_STATED = "thiosulfate-product-stated"
MODALITIES = ("hemodialysis", "hemodiafiltration", "cvvh", "cvvhd", "cvvhdf", "peritoneal", "none")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A kinetic parameter: mean, omega (standard deviation of its logarithm between people) and where it is from."""

    mean: float
    omega: float
    unit: str
    citation: Citation
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One reading of the literature: every parameter by name."""

    id: str
    title: str
    statement: str
    parameters: Mapping[str, Parameter]
    differs: tuple[str, ...] = ()  # the parameters in which it differs from the default scenario


@dataclass(frozen=True, slots=True)
class Alteration:
    """One unknown altered, for sensitivity: volume (L/kg), and a second compartment (L/h/kg, L/kg) where given."""

    id: str
    title: str
    volume: float
    intercompartmental_clearance: float | None
    peripheral_volume: float | None
    mark: str


@dataclass(frozen=True, slots=True)
class Salt:
    """A salt form: molar mass in g/mol, sodium in mmol for each mmol of thiosulfate."""

    id: str
    title: str
    molar_mass: float
    sodium: float
    citation: Citation


@dataclass(frozen=True, slots=True)
class PublishedRegimen:
    """A regimen as published. Weight bounds in kg, GFR bounds in mL/min; a dose in g where it is one number."""

    id: str
    modalities: tuple[str, ...]
    statement: str
    dose: float | None
    per_week: float | None
    over: float | None
    under: float | None
    gfr_from: float | None
    gfr_below: float | None
    citation: Citation


@dataclass(frozen=True, slots=True)
class Question:
    """A guard as a question, for an answer without a record; asked for the modalities named, or for all."""

    id: str
    ask: str
    modalities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThiosulfateKnowledge:
    """All of it. The first scenario is the default."""

    scenarios: tuple[Scenario, ...]
    sensitivity: tuple[Alteration, ...]
    residual_proportional: float
    residual_additive: float  # mmol/L
    salts: Mapping[str, Salt]
    concentration: float  # mg/mL
    vial: float  # g
    product_citation: Citation
    stated_salt: str | None  # where a site names its product; None: to be asked
    diluents: Mapping[str, float]  # mmol/L of sodium
    regimens: tuple[PublishedRegimen, ...]
    unpublished: tuple[tuple[tuple[str, ...], str], ...]
    words: tuple[str, ...]
    questions: tuple[Question, ...]
    information: tuple[str, ...]
    defaults: Mapping[str, Default]
    record_inputs: RecordInputs

    def citations(self) -> tuple[Citation, ...]:
        """Every citation, for the check that each source is used."""
        parameters = (each.citation for one in self.scenarios for each in one.parameters.values())
        return (
            *parameters,
            *(salt.citation for salt in self.salts.values()),
            *(regimen.citation for regimen in self.regimens),
            self.product_citation,
        )


def read_thiosulfate(
    files: Mapping[str, ContentFile], sources: Mapping[str, Source], defaults: Mapping[str, Default]
) -> ThiosulfateKnowledge:
    """Read the five files under `thiosulfate/`. Raises `GuidelineError` naming file and line."""
    parameters, products = top(files["thiosulfate/parameters.yaml"]), top(files["thiosulfate/products.yaml"])
    regimens, wording = top(files["thiosulfate/regimens.yaml"]), top(files["thiosulfate/wording.yaml"])
    product = _entry(products, "product")
    error = _entry(parameters, "residual_error")
    return ThiosulfateKnowledge(
        scenarios=read_scenarios(parameters, sources, None),
        sensitivity=tuple(map(_alteration, unique(parameters.entries("sensitivity"), "alteration"))),
        residual_proportional=_number(error, "proportional"),
        residual_additive=quantity(error, "additive", LEVEL),
        salts={s.id: s for s in (_salt(e, sources) for e in unique(products.entries("salts", required=True), "salt"))},
        concentration=quantity(product, "concentration", "mg/mL"),
        vial=quantity(product, "vial", "g"),
        product_citation=_citation(product, sources),
        stated_salt=None,
        diluents={e.text("id"): quantity(e, "sodium", "mmol/L") for e in products.entries("diluents", required=True)},
        regimens=tuple(_regimen(e, sources) for e in unique(regimens.entries("regimens", required=True), "regimen")),
        unpublished=tuple((e.texts("modalities"), e.text("statement")) for e in regimens.entries("unpublished")),
        words=wording.texts("words"),
        questions=tuple(
            Question(e.text("id"), e.text("ask"), e.texts("modalities"))
            for e in unique(wording.entries("questions", required=True), "question")
        ),
        information=wording.texts("information"),
        defaults=defaults,
        record_inputs=read_record_inputs(top(files["thiosulfate/record.yaml"])),
    )


def stated_product(knowledge: ThiosulfateKnowledge, product: Mapping[str, object]) -> ThiosulfateKnowledge:
    """The knowledge with a site's own product: salt form and concentration, and vial where given.

    Raises `GuidelineError` for a salt that is not known, or a number without a fitting unit.
    """
    entry = Entry(ContentFile("site configuration, thiosulfate_product", "", None), (), product)
    entry.only("salt", "concentration", "vial")
    return replace(
        knowledge,
        stated_salt=entry.one_of("salt", tuple(knowledge.salts)),
        concentration=quantity(entry, "concentration", "mg/mL"),
        vial=quantity(entry, "vial", "g") if "vial" in product else knowledge.vial,
    )


def only_tightened(shipped: Mapping[str, Default], site: Mapping[str, Default]) -> None:
    """A site may lower the highest dose and the allowed disagreement, not raise them. Raises `GuidelineError`."""
    for name in TIGHTEN_ONLY:
        if site[name].value > shipped[name].value:
            limit = f"{shipped[name].value:g} {shipped[name].unit}".removesuffix(" 1")
            raise GuidelineError(f"site configuration: default '{name}' may only be lowered, from {limit}")


def read_scenarios(
    entry: Entry, sources: Mapping[str, Source] | None, base: Scenario | None, taken: frozenset[str] = frozenset()
) -> tuple[Scenario, ...]:
    """The scenarios of a file; each fills what it leaves out from `base`, or from the first of the file.

    `sources` None: a user's own file, whose sources are written out as text. `taken`: ids that are used already.
    """
    found: list[Scenario] = []
    for each in unique(entry.entries("scenarios", required=True), "scenario"):
        if each.text("id") in taken:
            raise each.fail("this id is that of a shipped scenario; choose another", "id")
        scenario = _scenario(each, sources, base)
        base = base or scenario
        found.append(scenario)
    return tuple(found)


def _scenario(entry: Entry, sources: Mapping[str, Source] | None, base: Scenario | None) -> Scenario:
    entry.only("id", "title", "statement", "parameters")
    own = _entry(entry, "parameters")
    own.only(*PARAMETERS)
    read = {name: _parameter(_entry(own, name), name, sources) for name in own.data}
    missing = [name for name in PARAMETERS if name not in read]
    if missing and base is None:
        raise entry.fail(f"the first scenario must give every parameter; missing: {', '.join(missing)}")
    merged = {**(base.parameters if base else {}), **read}
    return Scenario(entry.text("id"), entry.text("title"), entry.text("statement"), merged, tuple(read) if base else ())


def _parameter(entry: Entry, name: str, sources: Mapping[str, Source] | None) -> Parameter:
    entry.only("mean", "sd", "spread", "range", "source", "locator", "mark")
    unit = PARAMETERS[name]
    mean = quantity(entry, "mean", unit)
    if mean <= 0:
        raise entry.fail("'mean' must be above zero", "mean")
    omega = 0.0
    if "sd" in entry.data:
        omega = math.sqrt(math.log1p((quantity(entry, "sd", unit) / mean) ** 2))
    elif "spread" in entry.data:
        omega = _number(entry, "spread")
    elif name not in SPREADLESS:
        raise entry.fail("give 'sd' (between people) or 'spread' (of the logarithm)")
    bounds = None
    if "range" in entry.data:
        low, high = entry.texts("range")
        bounds = _converted(entry, "range", low, unit), _converted(entry, "range", high, unit)
    return Parameter(mean, omega, unit, _citation(entry, sources), bounds)


def _alteration(entry: Entry) -> Alteration:
    entry.only("id", "title", "volume", "intercompartmental-clearance", "peripheral-volume", "mark")
    two = "peripheral-volume" in entry.data
    return Alteration(
        entry.text("id"),
        entry.text("title"),
        quantity(entry, "volume", VOLUME),
        quantity(entry, "intercompartmental-clearance", CLEARANCE) if two else None,
        quantity(entry, "peripheral-volume", VOLUME) if two else None,
        entry.one_of("mark", ("D", "P")),
    )


def _salt(entry: Entry, sources: Mapping[str, Source]) -> Salt:
    mass = quantity(entry, "molar_mass", "g/mol")
    return Salt(entry.text("id"), entry.text("title"), mass, _number(entry, "sodium"), _citation(entry, sources))


def _regimen(entry: Entry, sources: Mapping[str, Source]) -> PublishedRegimen:
    modalities = entry.texts("modalities")
    unknown = sorted(set(modalities) - set(MODALITIES))
    if unknown or not modalities:
        raise entry.fail(f"'modalities' must be of {', '.join(MODALITIES)}", "modalities")
    bounds = {key: _number(entry, key) if key in entry.data else None for key in ("over", "under")}
    gfr = {key: _number(entry, key) if key in entry.data else None for key in ("gfr_from", "gfr_below")}
    return PublishedRegimen(
        entry.text("id"),
        modalities,
        entry.text("statement"),
        quantity(entry, "dose", "g") if "dose" in entry.data else None,
        _number(entry, "per_week") if "per_week" in entry.data else None,
        bounds["over"],
        bounds["under"],
        gfr["gfr_from"],
        gfr["gfr_below"],
        _citation(entry, sources),
    )


def _citation(entry: Entry, sources: Mapping[str, Source] | None) -> Citation:
    if sources is None:
        mark: Mark = entry.one_of("mark", ("S", "Q", "B", "D", "P"))  # type: ignore[assignment]
        text = entry.text("source")
        return Citation(Source(text, text, mark), entry.text("locator", "own parameter file"), mark)
    keys = {key: entry.data[key] for key in ("source", "locator", "mark") if key in entry.data}
    return read_citation(Entry(entry.file, entry.path, keys), sources)


def _entry(entry: Entry, key: str) -> Entry:
    found = entry.entry(key)
    if found is None:
        raise entry.fail(f"'{key}' is missing")
    return found


def _number(entry: Entry, key: str) -> float:
    value = entry.data.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise entry.fail(f"'{key}' must be a number", key)
    return float(value)


def quantity(entry: Entry, key: str, unit: str) -> float:
    """The quantity under `key`, such as "2.04 'mL/min/kg'", in `unit`. Raises `GuidelineError`."""
    return _converted(entry, key, entry.text(key), unit)


def _converted(entry: Entry, key: str, text: str, unit: str) -> float:
    value, written = number_with_unit(entry, text, key)
    try:
        return convert(value, written, unit)
    except UnitError as error:
        raise entry.fail(f"'{key}': {error}", key) from None
