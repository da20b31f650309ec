"""The command `calcipath`: reads a record, prints its assessment; explains and checks the guideline.

Nothing heavy is imported before it is needed, so that help and usage errors are immediate.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from calcipath import __version__, dose_command
from calcipath.errors import CalcipathError, InputError
from calcipath.options import AssessmentOptions

if TYPE_CHECKING:
    from calcipath.output.timeline import Timeline

OK, INTERNAL, BAD_INPUT, BAD_GUIDELINE, NO_SERVER, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 4, 130, 141
STATUSES = """\
exit status:
  0    done
  1    an error of the program itself (no patient data is printed; CALCIPATH_DEBUG=1 shows where)
  2    bad input or usage
  3    the guideline's content or the configuration is wrong
  4    the server could not be reached or refused
  130  interrupted
  141  the reader of the output went away
"""
ABOUT = """\
Decision support for calciphylaxis, for health professionals: one patient's FHIR R4 record against a guideline kept
as data. Options to weigh, not orders; unknown never means no.
"""
COMPLETE = ("allergies", "medications")
WIDEST = 100  # columns of text when the terminal is wider: longer lines are hard to read


class Assessment(Protocol):
    """What the assessment's door returns: the contract's structure, and the dated facts that the page draws."""

    @property
    def answer(self) -> Mapping[str, Any]: ...

    @property
    def timeline(self) -> Timeline: ...


class Doors(Protocol):
    """The functions of `calcipath.api` that the command line calls. They raise `calcipath.errors`."""

    def assess_path(self, path: str, options: AssessmentOptions) -> Assessment: ...

    def assess_server(self, url: str, patient: str, options: AssessmentOptions) -> Assessment: ...

    def explain(self, identifier: str, *, config: str = "") -> Mapping[str, Any]: ...

    def recommendations(self, *, config: str = "") -> Sequence[Mapping[str, Any]]: ...

    def check_guideline(self, *, config: str = "") -> Sequence[str]: ...


def _doors() -> Doors:
    from importlib import import_module

    return cast(Doors, import_module("calcipath.api"))


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"calcipath: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; prints one sentence on standard error when it fails."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except CalcipathError as error:
        return _fail(str(error), error.exit_status)
    except OSError as error:
        return _fail(_os_sentence(error), BAD_INPUT)
    except Exception as error:  # the last resort: a sentence, never a traceback with patient data
        if os.environ.get("CALCIPATH_DEBUG") == "1":
            raise
        return _fail(f"internal error: {type(error).__name__} {_place(error)}; nothing was written", INTERNAL)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        chosen = _parser().parse_args(arguments)
        sys.stdout.flush()
    except SystemExit as stop:
        sys.stdout.flush()
        return stop.code if isinstance(stop.code, int) else OK
    command: Callable[[argparse.Namespace], int] = chosen.command
    return command(chosen)


def _fail(sentence: str, status: int) -> int:
    words = " ".join("".join(c if c.isprintable() else " " for c in sentence).split())
    with contextlib.suppress(OSError):
        print(f"calcipath: {words}", file=sys.stderr)
    return status


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


def _os_sentence(error: OSError) -> str:
    from calcipath.output.writing import reason

    what = f"{error.filename}: " if error.filename else "input or output failed: "
    return what + reason(error)


def _place(error: BaseException) -> str:
    """Where in this package an error arose: module and line, nothing of its message."""
    place, step = "", error.__traceback__
    while step:
        module = step.tb_frame.f_globals.get("__name__", "")
        if module.startswith("calcipath"):
            place = f"in {module}, line {step.tb_lineno}"
        step = step.tb_next
    return place or "outside calcipath"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="calcipath",
        description=ABOUT,
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"calcipath {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_assess(commands)
    _add_dose(commands)
    _add_explain(commands)
    _add_guideline(commands)
    return parser


def _command(
    commands: Any, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[:1].upper() + summary[1:] + ".",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=run)
    return parser


def _add_assess(commands: Any) -> None:
    parser = _command(commands, "assess", "assess one patient's record", assess)
    _add_record(parser)
    parser.add_argument("--format", choices=("text", "json", "html"), default="text", help="default: text")
    parser.add_argument(
        "--output", metavar="FILE", help="write to a file, whole or not at all (default: standard output)"
    )
    parser.add_argument("--why", action="store_true", help="text: every ground, quotation, source and strength")
    _add_shared(parser)


def _add_record(parser: argparse.ArgumentParser) -> None:
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


def _add_dose(commands: Any) -> None:
    parser = _command(commands, "dose", "simulate sodium thiosulfate on a patient's dialysis", dose)
    _add_record(parser)
    dose_command.add_options(parser)
    _add_shared(parser)


def _add_explain(commands: Any) -> None:
    parser = _command(commands, "explain", "explain one recommendation: condition, holds, sources", explain)
    parser.add_argument("id", metavar="ID", help="id of a recommendation, as printed in brackets by assess")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    _add_shared(parser)


def _add_guideline(commands: Any) -> None:
    parser = _command(commands, "guideline", "list or check the guideline", check_guideline)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = _command(actions, "list", "list the recommendations of the guideline", list_guideline)
    listing.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    _add_shared(listing)
    checking = _command(actions, "check", "check the guideline's content and the configuration", check_guideline)
    checking.add_argument("--config", metavar="FILE", default="", help="a site's configuration")


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", default="", help="a site's configuration")
    parser.add_argument(
        "--width", type=_width, metavar="N", help="columns of text, 24 or more (default: the terminal's)"
    )
    parser.add_argument("--no-colour", "--no-color", action="store_true", help="no colour (also by NO_COLOR)")


def _complete(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names or not names <= set(COMPLETE):
        raise argparse.ArgumentTypeError(f"may name {' and '.join(COMPLETE)}, not {text!r}")
    return names


def _width(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) < 24:
        raise argparse.ArgumentTypeError(f"needs a whole number from 24 to 9999, not {text!r}")
    return int(text)


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


def assess(chosen: argparse.Namespace) -> int:
    """`calcipath assess`: one record to text, JSON or a page."""
    options = dose_command.record_options(chosen)
    result = _assessment(chosen, options)
    content = _rendered(result, chosen)
    if chosen.output is None:
        _print(content, chosen.format)
    else:
        from calcipath.output.writing import write_file

        write_file(chosen.output, content)
    return OK


def _assessment(chosen: argparse.Namespace, options: AssessmentOptions) -> Assessment:
    _check_config(options.config)
    if chosen.server is None and not chosen.record:
        raise InputError("assess needs a RECORD, or --server with --patient")
    _check_record(chosen)
    if chosen.server is None:
        return _doors().assess_path(chosen.record, replace(options, patient=chosen.patient or ""))
    return _doors().assess_server(chosen.server, chosen.patient, options)


def _check_record(chosen: argparse.Namespace) -> None:
    if chosen.server is None:
        if chosen.record and chosen.record != "-" and not os.path.exists(chosen.record):  # noqa: PTH110  pathlib would cost the start-up time of help
            raise InputError(f"no such file or folder: {chosen.record}")
        return
    if chosen.record:
        raise InputError("give a RECORD or --server, not both")
    if not chosen.server or not chosen.patient:
        raise InputError("--server needs the id of the patient: --patient ID")


def _check_config(path: str) -> None:
    if path and not os.path.isfile(path):  # noqa: PTH113
        raise InputError(f"no such configuration file: {path}")


def _rendered(result: Assessment, chosen: argparse.Namespace) -> str:
    if chosen.format == "json":
        from calcipath.output.writing import as_json

        return as_json(result.answer)
    if chosen.format == "html":
        from calcipath.output.html import render_html

        return render_html(result.answer, result.timeline)
    from calcipath.output.terminal import render_terminal

    return render_terminal(result.answer, width=_columns(chosen), colour=_colour(chosen), why=chosen.why)


def dose(chosen: argparse.Namespace) -> int:
    """`calcipath dose`: exposure of a regimen beside the reference regimen."""
    _check_config(chosen.config)
    _check_record(chosen)
    content = dose_command.run(chosen, _columns(chosen), _colour(chosen))
    if chosen.output is None:
        _print(content, "json" if chosen.format == "json" else "text")
    else:
        from calcipath.output.writing import write_file

        write_file(chosen.output, content)
    return OK


def explain(chosen: argparse.Namespace) -> int:
    """`calcipath explain`: one recommendation, without a patient."""
    _check_config(chosen.config)
    recommendation = _doors().explain(chosen.id, config=chosen.config)
    if chosen.format == "json":
        _print_json(recommendation)
        return OK
    from calcipath.output.explanation import render_explanation

    _print(render_explanation(recommendation, width=_columns(chosen), colour=_colour(chosen)), "text")
    return OK


def list_guideline(chosen: argparse.Namespace) -> int:
    """`calcipath guideline list`: every recommendation with its direction and strength."""
    _check_config(chosen.config)
    found = _doors().recommendations(config=chosen.config)
    if chosen.format == "json":
        _print_json(list(found))
        return OK
    from calcipath.output.explanation import render_listing

    _print(render_listing(found, width=_columns(chosen), colour=_colour(chosen)), "text")
    return OK


def check_guideline(chosen: argparse.Namespace) -> int:
    """`calcipath guideline check`: every problem of the content on a line of its own."""
    _check_config(chosen.config)
    problems = _doors().check_guideline(config=chosen.config)
    _print("".join(f"{problem}\n" for problem in problems) or "The guideline is sound.\n", "text")
    return BAD_GUIDELINE if problems else OK


def _columns(chosen: argparse.Namespace) -> int:
    if chosen.width is not None:
        return int(chosen.width)
    given = os.environ.get("COLUMNS", "")
    try:
        found = int(given) if given.isdigit() else os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        found = 80
    return min(max(found, 24), WIDEST)


def _colour(chosen: argparse.Namespace) -> bool:
    refused = chosen.no_colour or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not refused and getattr(chosen, "output", None) is None and sys.stdout.isatty()


def _print_json(value: object) -> None:
    import json

    _print(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "json")


def _print(content: str, form: str) -> None:
    from calcipath.output.writing import print_text

    print_text(content, encoding=(sys.stdout.encoding or "utf-8") if form == "text" else "utf-8")
