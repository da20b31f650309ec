"""What can go wrong for a user, each with the exit status that the command line gives it.

The message is one clear sentence for the person at the keyboard; it names the place (file, line, JSON path) and holds
no more of the patient's record than that needs.
"""

from __future__ import annotations


class CalcipathError(Exception):
    """The common base. `exit_status` is what the command line returns."""

    exit_status = 1


class InputError(CalcipathError):
    """A record, an option or a file that cannot be used."""

    exit_status = 2


class GuidelineError(CalcipathError):
    """The guideline's content or a site's configuration is wrong."""

    exit_status = 3


class ServerError(CalcipathError):
    """A FHIR server could not be reached, or refused."""

    exit_status = 4
