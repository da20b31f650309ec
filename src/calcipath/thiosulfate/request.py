"""What is asked: a patient, a prescription, a product, a regimen, and what is known about safety."""

from __future__ import annotations

from dataclasses import dataclass, field

from calcipath.errors import InputError
from calcipath.guideline.thiosulfate_knowledge import Scenario, ThiosulfateKnowledge
from calcipath.thiosulfate.dialysis import CONTINUOUS, INTERMITTENT, Dialysis, MissingInput, checked
from calcipath.thiosulfate.kinetics import Patient, checked_patient
from calcipath.thiosulfate.product import Product
from calcipath.thiosulfate.schedule import Schedule, Timing, schedule_of


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the dosing.

    `dose` in g of the product's salt, None for the reference dose. `interval` h, where no session sets it. `holds` are
    the reasons, in words, for which a record holds the dose, `questions` (id, text) what it leaves to ask; `holds` None
    means that there is no record: guards are then asked.
    `scenarios` are a user's own readings beside those of the guideline.
    """

    patient: Patient
    dialysis: Dialysis
    product: Product
    timing: Timing = field(default_factory=Timing)
    interval: float | None = None
    dose: float | None = None
    dose_is: str = "as given"
    match_reference: bool = False
    population: int = 2000
    seed: int = 1
    holds: tuple[str, ...] | None = None
    questions: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...] = ()


REFERENCE_DIALYSIS = Dialysis("hemodialysis", sessions=3, hours=4)
REFERENCE_TIMING = Timing("last-hour")
HIGHEST_POPULATION = 10_000_000


def checked_request(request: Request, knowledge: ThiosulfateKnowledge) -> Request:
    """The request when it can be answered. Raises `MissingInput` for a question, `InputError` for nonsense."""
    checked_patient(request.patient)
    checked(request.dialysis)
    if request.dialysis.modality == "none" and request.patient.gfr is None:
        raise MissingInput("What is the GFR, in mL/min? Off dialysis the kidneys set the clearance.", "--gfr")
    if request.interval is not None and request.dialysis.modality in INTERMITTENT:
        raise InputError("--interval does not belong to intermittent dialysis: a dose goes with each session")
    if not 0 <= request.seed < 2**63:
        raise InputError("--seed must be a whole number from 0")
    if not 1 <= request.population <= HIGHEST_POPULATION:
        raise InputError(f"--population must be 1 to {HIGHEST_POPULATION}")
    if request.dose is not None:
        check_dose(request.dose, knowledge)
    elif len(doses := reference_doses(request.patient.weight, knowledge)) > 1:
        low, high = doses
        question = f"At exactly {request.patient.weight:g} kg the quoted doses are undefined: {low:g} g or {high:g} g?"
        raise MissingInput(question, "--dose", doses)
    return request


def check_dose(grams: float, knowledge: ThiosulfateKnowledge) -> None:
    """Raises `InputError` for a dose that can only be a slip of the unit."""
    highest = knowledge.defaults["thiosulfate-dose-refused-above"].value
    if not grams > 0:
        raise InputError(f"--dose {grams:g}: a dose must be above zero, in grams")
    if grams > highest:
        raise InputError(
            f"--dose {grams:g} g is above {highest:g} g: doses are in grams of the salt; was {grams / 1000:g} g meant?"
        )


def schedule_for(request: Request, knowledge: ThiosulfateKnowledge) -> Schedule:
    """The schedule asked for, with the interval used for comparison where none is given."""
    return schedule_of(request.dialysis, request.timing, interval_for(request, knowledge))


def interval_for(request: Request, knowledge: ThiosulfateKnowledge) -> float | None:
    """Hours between doses; None where each session has its dose."""
    if request.interval is not None or request.dialysis.modality in INTERMITTENT:
        return request.interval
    kind = "continuous" if request.dialysis.modality in CONTINUOUS else request.dialysis.modality
    name = {"continuous": "continuous", "peritoneal": "peritoneal", "none": "off-dialysis"}[kind]
    return knowledge.defaults[f"thiosulfate-interval-{name}"].value


def reference_doses(weight: float, knowledge: ThiosulfateKnowledge) -> tuple[float, ...]:
    """Reference dose in g of pentahydrate: one, or both where the quoted text leaves it undefined (exactly the limit)."""
    limit = knowledge.defaults["thiosulfate-weight-limit"].value
    full = knowledge.defaults["thiosulfate-reference-dose"].value
    light = knowledge.defaults["thiosulfate-reference-dose-light"].value
    if weight == limit:
        return (light, full)
    return (light,) if weight < limit else (full,)
