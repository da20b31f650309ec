"""The options by which commands name a patient's record. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
import os
import re

from calcipath.errors import InputError
from calcipath.options import AssessmentOptions

COMPLETE = ("allergies", "medications")


def add_record(parser: argparse.ArgumentParser) -> None:
    """Where the record is and how it is to be read."""
    parser.add_argument(
        "record", nargs="?", metavar="RECORD", help="FHIR bundle, NDJSON file or folder of resources of one patient"
    )
    parser.add_argument("--server", metavar="URL", help="read the record from a FHIR R4 server (with --patient)")
    parser.add_argument(
        "--patient", metavar="ID", help="the patient's id on the server, or in a file that holds several"
    )
    parser.add_argument(
        "--complete",
        type=_complete,
        default=frozenset(),
        metavar="LIST",
        help="what the record holds in full: medications, allergies, or both with a comma; absence is then an answer",
    )
    parser.add_argument("--notes", choices=("on", "off"), default="on", help="read or ignore free text (default: on)")
    parser.add_argument(
        "--as-of", type=_instant, metavar="DATE", help="assess for this date (default: end of the record)"
    )


def record_options(chosen: argparse.Namespace) -> AssessmentOptions:
    """How a record is to be read."""
    return AssessmentOptions(chosen.complete, chosen.notes == "on", chosen.as_of or "", chosen.config)


def check_record(chosen: argparse.Namespace) -> None:
    """Raises `InputError` where the record is not there, or is named in two ways."""
    if chosen.server is None:
        if chosen.record and chosen.record != "-" and not os.path.exists(chosen.record):  # noqa: PTH110  pathlib would cost the start-up time of help
            raise InputError(f"no such file or folder: {chosen.record}")
        return
    if chosen.record:
        raise InputError("give a RECORD or --server, not both")
    if not chosen.server or not chosen.patient:
        raise InputError("--server needs the id of the patient: --patient ID")


def _complete(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names or not names <= set(COMPLETE):
        raise argparse.ArgumentTypeError(f"may name {' and '.join(COMPLETE)}, not {text!r}")
    return names


def _instant(text: str) -> str:
    from datetime import datetime

    shape = re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?", text, re.ASCII)
    try:
        if shape:
            datetime.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"needs a date such as 2026-01-15 or an instant with its zone, not {text!r}")
