"""One request of a person: who asks, what the form says, how it wants to be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from calcipath.errors import InputError
from calcipath.page.language import _
from calcipath.register.accounts import Account
from calcipath.register.sessions import Session

Units = Literal["us", "si"]
UNITS: tuple[Units, ...] = ("us", "si")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent. Its name is shown, and never used as a path."""

    name: str = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form. Nothing of it is shown by `repr`: it may speak of a patient."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    files: Mapping[str, Upload] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str:
        """A field's first value without space around it; empty when it is not there."""
        return next(iter(self.fields.get(name, ())), "").strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return tuple(value.strip() for value in self.fields.get(name, ()) if value.strip())

    def number(self, name: str, what: str) -> float | None:
        """A field as a number, with a decimal point or comma; None when it is empty. Raises `InputError`."""
        written = self.text(name)
        if not written:
            return None
        try:
            return float(written.replace(",", "."))
        except ValueError:
            raise InputError(_("{what} needs a number such as 2.5", what=what)) from None

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.text(name))


@dataclass(frozen=True, slots=True)
class Visit:
    """`part`: the script asks for the part of a view that changes. `base`: what stands before each address."""

    session: Session
    units: Units
    base: str
    form: Form = field(default_factory=Form)
    handle: str = ""
    name: str = ""
    part: bool = False
    done: str = ""
    local: bool = True

    @property
    def account(self) -> Account:
        """Who asks."""
        return self.session.account
