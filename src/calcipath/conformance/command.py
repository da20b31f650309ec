"""`calcipath hooks-check`: its options and what it prints. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from calcipath.errors import InputError

if TYPE_CHECKING:
    from calcipath.conformance.options import Options

BROKEN = 5  # exit status when a requirement is broken
STATUSES = """\
exit status:
  0    no requirement was seen to be broken
  2    bad input or usage
  4    the service could not be reached
  5    a requirement is broken
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("url", metavar="URL", help="the service's base address, with or without /cds-services")
    calls = parser.add_argument_group("calls")
    calls.add_argument(
        "--requests", default="", metavar="DIR", help="own requests instead of the example's: SERVICE-ID*.json"
    )
    calls.add_argument("--service", action="append", default=[], metavar="ID", help="only this service (repeatable)")
    calls.add_argument("--thorough", action="store_true", help="leave out, null and fail each prefetch key by itself")
    calls.add_argument("--no-feedback", action="store_true", help="send no feedback")
    calls.add_argument("--fetch-icons", action="store_true", help="look at icons of other hosts too")
    calls.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="seconds for an answer (default 10)")
    calls.add_argument("--ca-file", default="", metavar="PEM", help="certificates to trust instead of the system's")
    calls.add_argument("--origin", default="", metavar="URL", help="origin of a browser that the service should serve")
    _add_token_options(parser.add_argument_group("tokens (as a CDS client that the service trusts)"))
    server = parser.add_argument_group("FHIR server (the kit plays the client's, with invented data)")
    server.add_argument("--fhir-listen", default="", metavar="HOST:PORT", help="where to listen")
    server.add_argument("--fhir-url", default="", metavar="URL", help="its address as the service sees it")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def _add_token_options(tokens: argparse._ArgumentGroup) -> None:
    tokens.add_argument(
        "--sign-with", action="append", default=[], metavar="PEM", help="private key, EC or RSA (repeatable)"
    )
    tokens.add_argument("--kid", action="append", default=[], metavar="KID", help="its key id, one for each key")
    tokens.add_argument("--issuer", default="", metavar="ISS", help="iss of the tokens")
    tokens.add_argument("--jku", default="", metavar="URL", help="jku of the tokens, where the key set is published")
    tokens.add_argument("--tenant", default="", metavar="TENANT", help="tenant of the tokens")
    tokens.add_argument(
        "--audience", default="", metavar="URL", help="base address as the service knows itself (default: URL)"
    )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError(f"needs seconds, above 0 and at most 600, not {text!r}")
    return value


def run(chosen: argparse.Namespace, width: int, colour: bool) -> tuple[str, int]:
    """Check the service: the text to print and the exit status, 5 when a requirement is broken, else 0.

    Raises `InputError` for options that cannot be used, `ServerError` when the service cannot be reached.
    """
    from calcipath.conformance.report import as_json, as_text
    from calcipath.conformance.run import check_service
    from calcipath.output.progress import progress_bar

    report = check_service(chosen.url, _options(chosen), lambda steps: progress_bar(steps, "checking", 1))
    text = as_json(report) if chosen.format == "json" else as_text(report, width, colour=colour)
    return text, BROKEN if report.failed else 0


def _options(chosen: argparse.Namespace) -> Options:
    from calcipath.conformance.options import Options

    if len(chosen.sign_with) != len(chosen.kid):
        raise InputError("each --sign-with needs its --kid")
    if chosen.kid and not chosen.issuer:
        raise InputError("--sign-with needs --issuer")
    return Options(
        requests=chosen.requests,
        services=tuple(chosen.service),
        keys=tuple(zip(chosen.sign_with, chosen.kid, strict=True)),
        issuer=chosen.issuer,
        jku=chosen.jku,
        tenant=chosen.tenant,
        audience=chosen.audience,
        origin=chosen.origin.rstrip("/"),
        ca_file=chosen.ca_file,
        timeout=chosen.timeout,
        thorough=chosen.thorough,
        feedback=not chosen.no_feedback,
        fetch_icons=chosen.fetch_icons,
        fhir_listen=chosen.fhir_listen,
        fhir_url=chosen.fhir_url,
    )
