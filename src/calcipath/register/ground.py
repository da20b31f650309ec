"""What all parts of the register stand on: the store, the folder of photographs, the digest key, a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from calcipath.store.case_audit import CaseAct, note_act
from calcipath.store.digests import keyed_digest
from calcipath.store.instants import instant_text
from calcipath.store.store import Store, Writing


@dataclass(frozen=True, slots=True)
class Ground:
    """`clock` gives seconds since 1970; `key` makes the audit's digests."""

    store: Store
    folder: Path
    key: bytes = field(repr=False)
    clock: Callable[[], float]

    def now(self, seconds: float = 0.0) -> str:
        """The instant, `seconds` from now, as the store writes it."""
        return instant_text(self.clock() + seconds)

    def note(
        self,
        writing: Writing,
        action: str,
        account: str = "",
        handle: str = "",
        *,
        entry: int | None = None,
        entries: int | None = None,
        content: tuple[str, ...] = (),
    ) -> None:
        """Put an act into the audit. `content` is what it was about: only its keyed digest is kept."""
        digest = keyed_digest(self.key, action, handle, *content) if content else ""
        note_act(writing, CaseAct(self.now(), action, account, handle, entry, entries, digest))

    def noted(self, action: str, account: str = "", handle: str = "", *, content: tuple[str, ...] = ()) -> None:
        """The same in a transaction of its own."""
        with self.store.write() as writing:
            self.note(writing, action, account, handle, content=content)
