"""Who is in a chunk of the population, and what is true of each: the ground that every entry is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from calcipath.synthesis.chance import Flags, Floats, Integers, picked, stream
from calcipath.synthesis.content import DIALYSIS, GENERAL, Content

MODALITIES = ("none", "haemodialysis", "haemodiafiltration", "peritoneal-dialysis")
TRAITS = (
    "sex", "age-group", "age", "birthday", "site", "dialysis", "modality", "kidney-disease", "vintage", "diabetes",
    "obesity", "hypertension", "heart-failure", "peripheral-arterial-disease", "atrial-fibrillation", "warfarin",
    "warfarin-stopped", "apixaban", "calcium-acetate", "sevelamer", "iron-sucrose", "cinacalcet", "active-vitamin-d",
    "insulin", "prednisone", "hyperparathyroidism", "calciphylaxis", "calciphylaxis-void", "suspicious-lesion",
    "leg-ulcer", "lesion-kind", "lesion-age", "sessions", "died", "died-when", "penicillin", "sulfite",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """What a whole run shares. `as_of` is a day number; `enrich` multiplies calciphylaxis and suspicious lesions."""

    seed: int
    as_of: int
    population: str
    notes: float
    mistakes: float
    enrich: float


@dataclass(frozen=True, slots=True)
class People:
    """A chunk of patients, each array one value a patient. Day numbers are proleptic ordinals."""

    number: Integers
    site: Integers
    female: Flags
    born: Integers
    end: Integers  # the last day of the record: the date of the export, or of death
    died: Flags
    dialysis: Flags
    modality: Integers
    kidney_disease: Integers  # stage 5, 3 or 0
    vintage: Integers  # days on dialysis
    sessions: Flags
    lesion: Integers  # which one, where there is one
    lesion_day: Integers
    traits: Mapping[str, Flags]

    @property
    def size(self) -> int:
        """How many patients."""
        return len(self.number)

    def first(self, size: int) -> People:
        """Only the first ones."""
        arrays = {each.name: getattr(self, each.name)[:size] for each in fields(self) if each.name != "traits"}
        return People(**arrays, traits={trait: flags[:size] for trait, flags in self.traits.items()})

    def has(self, trait: str) -> Flags:
        """Who has a trait."""
        return self.traits[trait]


def draw_people(setting: Setting, content: Content, chunk: int, first: int, size: int) -> People:
    """The patients of chunk `chunk`, numbered from `first`."""
    numbers = stream(setting.seed, chunk, "people").random((len(TRAITS), size))
    uniform = dict(zip(TRAITS, numbers, strict=True))
    share = content.shares
    renal = setting.population == "dialysis"
    dialysis = uniform["dialysis"] < share["on-dialysis-renal" if renal else "on-dialysis-mixed"]
    died = uniform["died"] < share["died"]
    modality = _modality(uniform["modality"], dialysis, share)
    traits = _traits(uniform, dialysis, share, setting.enrich)
    end = setting.as_of - np.where(died, (uniform["died-when"] * 60).astype(np.int64), 0)
    return People(
        number=np.arange(first, first + size, dtype=np.int64),
        site=picked(uniform["site"], [site.share for site in content.sites]),
        female=uniform["sex"]
        < np.where(traits["calciphylaxis"], share["female-calciphylaxis"], _either(dialysis, share, "female")),
        born=_born(uniform, dialysis, setting.as_of, content),
        end=end,
        died=died,
        dialysis=dialysis,
        modality=modality,
        kidney_disease=_kidney_disease(uniform["kidney-disease"], dialysis, share, renal),
        vintage=(30 - content.rates["vintage-days"] * np.log(1 - uniform["vintage"])).astype(np.int64).clip(30, 7000),
        sessions=(uniform["sessions"] < share["sessions-recorded"]) | (modality == 2),
        lesion=picked(uniform["lesion-kind"], [1.0] * len(content.lesions)),
        lesion_day=end - 5 - (uniform["lesion-age"] * 75).astype(np.int64),
        traits=traits,
    )


def _either(dialysis: Flags, share: Mapping[str, float], name: str) -> Floats:
    return np.where(dialysis, share[f"{name}-dialysis"], share[f"{name}-general"])


def _born(uniform: Mapping[str, Floats], dialysis: Flags, as_of: int, content: Content) -> Integers:
    years = np.zeros(len(dialysis))
    for group, members in ((DIALYSIS, dialysis), (GENERAL, ~dialysis)):
        bands = content.ages[group]
        band = picked(uniform["age-group"], [each[2] for each in bands])
        low = np.array([each[0] for each in bands])[band]
        high = np.array([each[1] for each in bands])[band]
        years = np.where(members, low + uniform["age"] * (high + 1 - low), years)
    return (as_of - years * 365.25).astype(np.int64)


def _modality(uniform: Floats, dialysis: Flags, share: Mapping[str, float]) -> Integers:
    peritoneal, filtration = share["peritoneal-dialysis"], share["haemodiafiltration"]
    kind = np.where(uniform < peritoneal, 3, np.where(uniform < peritoneal + filtration, 2, 1))
    return np.where(dialysis, kind, 0).astype(np.int64)


def _kidney_disease(uniform: Floats, dialysis: Flags, share: Mapping[str, float], renal: bool) -> Integers:
    otherwise = 5 if renal else np.where(uniform < share["kidney-disease-3-mixed"], 3, 0)
    return np.where(dialysis, 5, otherwise).astype(np.int64)


def _traits(
    uniform: Mapping[str, Floats], dialysis: Flags, share: Mapping[str, float], enrich: float
) -> dict[str, Flags]:
    """Everything that a patient has or has not."""
    fibrillation = uniform["atrial-fibrillation"] < _either(dialysis, share, "atrial-fibrillation")
    diabetes = uniform["diabetes"] < _either(dialysis, share, "diabetes")
    calciphylaxis = uniform["calciphylaxis"] < _either(dialysis, share, "calciphylaxis") * enrich
    usual = fibrillation & (uniform["warfarin"] < _either(dialysis, share, "warfarin-in-fibrillation"))
    warfarin = np.where(calciphylaxis, uniform["warfarin"] < share["warfarin-calciphylaxis"], usual)
    suspicious = ~calciphylaxis & (
        uniform["suspicious-lesion"] < _either(dialysis, share, "suspicious-lesion") * enrich
    )
    traits = {
        "diabetes": diabetes,
        "obesity": uniform["obesity"] < _either(dialysis, share, "obesity"),
        "hypertension": uniform["hypertension"] < _either(dialysis, share, "hypertension"),
        "atrial-fibrillation": fibrillation,
        "warfarin": warfarin,
        "warfarin-stopped": ~warfarin & (uniform["warfarin-stopped"] < share["warfarin-stopped"]),
        "apixaban": fibrillation & ~warfarin & (uniform["apixaban"] < share["apixaban-in-fibrillation"]),
        "insulin": diabetes & (uniform["insulin"] < share["insulin-in-diabetes"]),
        "penicillin-allergy": uniform["penicillin"] < share["penicillin-allergy"],
        "sulfite-allergy": uniform["sulfite"] < share["sulfite-allergy"],
        "calciphylaxis": calciphylaxis,
        "suspicious-lesion": suspicious,
        "calciphylaxis-void": dialysis
        & ~calciphylaxis
        & ~suspicious
        & (uniform["calciphylaxis-void"] < share["calciphylaxis-void"]),
        "leg-ulcer": ~suspicious & ~calciphylaxis & (uniform["leg-ulcer"] < _either(dialysis, share, "leg-ulcer")),
    }
    for name in ("calcium-acetate", "sevelamer", "iron-sucrose", "cinacalcet", "active-vitamin-d", "prednisone"):
        traits[name] = dialysis & (uniform[name] < share[name])
    for name in ("heart-failure", "peripheral-arterial-disease"):
        traits[name] = dialysis & (uniform[name] < share[f"{name}-dialysis"])
    traits["secondary-hyperparathyroidism"] = dialysis & (
        uniform["hyperparathyroidism"] < share["secondary-hyperparathyroidism"]
    )
    return traits
