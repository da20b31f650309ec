"""Why the register refuses: what is not yours is not there, somebody else wrote first, too many guesses."""

from __future__ import annotations

from calcipath.errors import CalcipathError


class NotYours(CalcipathError):  # noqa: N818  named for what it means
    """There is no such case, or it may not be used so by this account: the two cannot be told apart."""

    def __init__(self) -> None:
        super().__init__("there is no such case")


class NotAllowed(CalcipathError):  # noqa: N818  named for what it means
    """The account's role does not allow this."""


class Changed(CalcipathError):  # noqa: N818  named for what it means
    """Somebody else changed the case meanwhile; nothing was written."""

    def __init__(self) -> None:
        super().__init__("somebody else has changed this case since it was opened: look at it again")


class TooManyAttempts(CalcipathError):  # noqa: N818  named for what it means
    """Too many wrong passwords for a name; `seconds` says how long the next attempt must wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many wrong passwords for this name: wait before the next attempt")
        self.seconds = seconds
