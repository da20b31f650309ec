"""From grams of a product to mmol of thiosulfate, millilitres and sodium."""

from __future__ import annotations

from dataclasses import dataclass

from calcipath.errors import InputError
from calcipath.guideline.thiosulfate_knowledge import Salt, ThiosulfateKnowledge
from calcipath.thiosulfate.dialysis import MissingInput, within

SODIUM_MOLAR_MASS = 22.98977  # g/mol, IUPAC 2021


@dataclass(frozen=True, slots=True)
class Product:
    """A product in hand: salt form, concentration (mg/mL as that salt), vial (g), diluent and its volume (mL)."""

    salt: Salt
    concentration: float
    vial: float
    diluent: str = "none"
    diluent_volume: float = 0.0
    diluent_sodium: float = 0.0  # mmol/L

    def mmol(self, grams: float) -> float:
        """Thiosulfate in so many grams of the salt."""
        return grams / self.salt.molar_mass * 1000.0

    def grams(self, mmol: float) -> float:
        """Grams of the salt that hold so much thiosulfate."""
        return mmol * self.salt.molar_mass / 1000.0

    def sodium(self, grams: float) -> float:
        """Sodium of a dose with its diluent, mmol."""
        return self.mmol(grams) * self.salt.sodium + self.diluent_volume * self.diluent_sodium / 1000.0

    def millilitres(self, grams: float) -> float:
        """Volume of product drawn."""
        return grams * 1000.0 / self.concentration


def product_of(
    knowledge: ThiosulfateKnowledge,
    salt: str | None,
    concentration: float | None = None,
    vial: float | None = None,
    diluent: str = "none",
    diluent_volume: float | None = None,
) -> Product:
    """The product named. Raises `MissingInput` when the salt is not said, `InputError` for one that is not known."""
    names = ", ".join(knowledge.salts)
    if salt is None:
        raise MissingInput("Which salt form does the vial hold, pentahydrate or anhydrous?", "--salt")
    if salt not in knowledge.salts:
        raise InputError(f"--salt '{salt}' is not one of {names}: read it off the vial or ask pharmacy")
    if diluent not in knowledge.diluents:
        raise InputError(f"--diluent '{diluent}' is not one of {', '.join(knowledge.diluents)}")
    if (diluent == "none") != (not diluent_volume):
        raise InputError("--diluent and --diluent-volume (mL) belong together")
    return Product(
        knowledge.salts[salt],
        within(
            knowledge.concentration if concentration is None else concentration, "--concentration", 10, 1000, "mg/mL"
        ),
        within(knowledge.vial if vial is None else vial, "--vial", 0.1, 100, "g"),
        diluent,
        within(diluent_volume, "--diluent-volume", 1, 3000, "mL") if diluent_volume else 0.0,
        knowledge.diluents[diluent],
    )
