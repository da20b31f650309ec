"""`calcipath feedback`: its options and what it prints. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calcipath.store.store import Head, Store

DEFAULT_STORE = "sqlite:///calcipath-service.sqlite"
NOT_WHOLE = 5  # exit status: the audit was changed or lacks something
NOTHING = 0


def add_feedback_options(
    parser: argparse.ArgumentParser, shared: Callable[[argparse.ArgumentParser], object] | None = None
) -> None:
    """The actions `report`, `suppressed`, `forget` and `verify`; `shared` adds to each what all commands have."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="feedback_action")
    report = _action(actions, "report", "what became of the cards, by recommendation and by service", shared)
    _add(report, "--since", metavar="DATE", default="", help="from this date or instant on (UTC unless it has a zone)")
    _add(report, "--until", metavar="DATE", default="", help="to the end of this date, or up to this instant")
    suppressed = _action(actions, "suppressed", "alerts that are not shown again for the same facts", shared)
    _add(suppressed, "--patient", metavar="DIGEST", default="", help="of this patient's digest only")
    _add(suppressed, "--recommendation", metavar="ID", default="", help="of this recommendation only")
    _add(suppressed, "--forgotten", action="store_true", help="also those that were taken back")
    forget = _action(actions, "forget", "take an alert back, so that it is shown again", shared)
    _add(forget, "key", metavar="KEY", help="as printed by suppressed")
    verify = _action(actions, "verify", "whether the audit is whole and unchanged (exit status 5: it is not)", shared)
    _add(verify, "--against", metavar="FILE", default="", help="what an earlier verify --format json printed")


def _action(
    actions: Any, name: str, summary: str, shared: Callable[[argparse.ArgumentParser], object] | None
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary[:1].upper() + summary[1:] + ".", allow_abbrev=False
    )
    _add(parser, "--store", metavar="URL", default=DEFAULT_STORE, help=f"default: {DEFAULT_STORE}")
    _add(parser, "--format", choices=("text", "json"), default="text", help="default: text")
    if shared is not None:
        shared(parser)
    return parser


def _add(parser: argparse.ArgumentParser, *names: str, **settings: Any) -> None:
    parser.add_argument(*names, **settings)


def run(chosen: argparse.Namespace, width: int = 80, colour: bool = False) -> tuple[str, int]:
    """What to print, and the exit status. Raises `InputError`, and `StoreError` where the store cannot be used."""
    from calcipath.errors import InputError

    try:
        from calcipath.store.store import open_store
    except ImportError as error:
        raise InputError(f"the store needs {error.name}: install calcipath with its 'serve' extra") from None
    action = {"report": _report, "suppressed": _suppressed, "forget": _forget, "verify": _verify}
    with open_store(chosen.store, existing=True) as store:
        return action[chosen.feedback_action](store, chosen, width, colour)


def _report(store: Store, chosen: argparse.Namespace, width: int, colour: bool) -> tuple[str, int]:
    from calcipath.store.feedback_report import feedback_report
    from calcipath.store.report_text import render_report, report_structure

    report = feedback_report(store, _moment(chosen.since, "--since"), _moment(chosen.until, "--until", end=True))
    if chosen.format == "json":
        return _json(report_structure(report)), NOTHING
    return render_report(report, width=width, colour=colour), NOTHING


def _suppressed(store: Store, chosen: argparse.Namespace, width: int, colour: bool) -> tuple[str, int]:
    import time

    from calcipath.store import memory
    from calcipath.store.report_text import render_suppressed, suppressed_structure

    alerts = memory.listing(
        store,
        now=time.time(),
        patient_digest=chosen.patient,
        recommendation=chosen.recommendation,
        forgotten=chosen.forgotten,
    )
    if chosen.format == "json":
        return _json(suppressed_structure(alerts)), NOTHING
    return render_suppressed(alerts, width=width, colour=colour), NOTHING


def _forget(store: Store, chosen: argparse.Namespace, _width: int, _colour: bool) -> tuple[str, int]:
    import time

    from calcipath.errors import InputError
    from calcipath.store import memory

    if not memory.forget(store, chosen.key.strip(), now=time.time()):
        raise InputError("no alert is remembered under this key: calcipath feedback suppressed lists them")
    if chosen.format == "json":
        return _json({"forgotten": chosen.key.strip()}), NOTHING
    return "Taken back: the alert is shown again when its facts are met.\n", NOTHING


def _verify(store: Store, chosen: argparse.Namespace, width: int, colour: bool) -> tuple[str, int]:
    from calcipath.store.report_text import render_verification, verification_structure
    from calcipath.store.verification import verify

    found = verify(store, _sealed(chosen.against) if chosen.against else ())
    status = NOTHING if found.whole else NOT_WHOLE
    if chosen.format == "json":
        return _json(verification_structure(found)), status
    return render_verification(found, width=width, colour=colour), status


def _sealed(path: str) -> list[Head]:
    """The ends of an earlier verification."""
    import json
    from pathlib import Path

    from calcipath.errors import InputError
    from calcipath.store.store import Head

    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))["heads"]
        return [Head(str(row["writer"]), int(row["number"]), str(row["hash"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path} is not what verify --format json prints") from None


def _moment(written: str, option: str, *, end: bool = False) -> float | None:
    """A date or instant in seconds since 1970; the end of a day, month or minute is where the next begins."""
    from calcipath.errors import InputError
    from calcipath.record.dates import parse_when

    if not written:
        return None
    when = parse_when(written.strip())
    if when is None or not -62_000_000_000 < when.earliest < 253_000_000_000:
        raise InputError(f"{option} needs a date such as 2026-11-30 or an instant such as 2026-11-30T12:00:00Z")
    return when.latest + 1 if end and when.latest > when.earliest else when.earliest


def _json(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
