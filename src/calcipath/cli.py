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

from calcipath import __version__, accounts_command, dose_command, generate_command, screen_command, serve_command
from calcipath.conformance import command as conformance_command
from calcipath.console import colour, columns, print_json, show
from calcipath.errors import CalcipathError, InputError
from calcipath.options import AssessmentOptions
from calcipath.record_options import add_record, check_record, record_options
from calcipath.store import command as store_command

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
  5    hooks-check: a requirement is broken; feedback verify: the audit is not whole
  130  interrupted
  141  the reader of the output went away
"""
ABOUT = """\
Decision support for calciphylaxis, for health professionals: one patient's FHIR R4 record against a guideline kept
as data. Options to weigh, not orders; unknown never means no.
"""


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
    serve_command.add_options(_command(commands, "serve", "serve CDS Hooks to an EHR", serve))
    checking = _command(commands, "hooks-check", "check that a CDS Hooks service conforms", hooks_check)
    conformance_command.add_options(checking)
    checking.epilog = conformance_command.STATUSES
    _add_shared(checking)
    store_command.add_feedback_options(
        _command(commands, "feedback", "report on feedback, what is not shown again, the audit", feedback), _add_shared
    )
    accounts_command.add_options(_command(commands, "accounts", "who may use the clinician's page", accounts))
    screening = _command(commands, "screen", "screen a population: who is at risk, whose care has a gap", screen)
    screen_command.add_options(screening)
    screening.add_argument("--config", default="", metavar="FILE", help="a site's configuration")
    generate_command.add_options(_command(commands, "generate", "generate an imaginary population for tests", generate))
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
    add_record(parser)
    parser.add_argument("--format", choices=("text", "json", "html"), default="text", help="default: text")
    parser.add_argument(
        "--output", metavar="FILE", help="write to a file, whole or not at all (default: standard output)"
    )
    parser.add_argument("--why", action="store_true", help="text: every ground, quotation, source and strength")
    _add_shared(parser)


def _add_dose(commands: Any) -> None:
    parser = _command(commands, "dose", "simulate sodium thiosulfate on a patient's dialysis", dose)
    add_record(parser)
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


def _width(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) < 24:
        raise argparse.ArgumentTypeError(f"needs a whole number from 24 to 9999, not {text!r}")
    return int(text)


def assess(chosen: argparse.Namespace) -> int:
    """`calcipath assess`: one record to text, JSON or a page."""
    options = record_options(chosen)
    result = _assessment(chosen, options)
    content = _rendered(result, chosen)
    if chosen.output is None:
        show(content, chosen.format)
    else:
        from calcipath.output.writing import write_file

        write_file(chosen.output, content)
    return OK


def _assessment(chosen: argparse.Namespace, options: AssessmentOptions) -> Assessment:
    _check_config(options.config)
    if chosen.server is None and not chosen.record:
        raise InputError("assess needs a RECORD, or --server with --patient")
    check_record(chosen)
    if chosen.server is None:
        return _doors().assess_path(chosen.record, replace(options, patient=chosen.patient or ""))
    return _doors().assess_server(chosen.server, chosen.patient, options)


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

    return render_terminal(result.answer, width=columns(chosen), colour=colour(chosen), why=chosen.why)


def dose(chosen: argparse.Namespace) -> int:
    """`calcipath dose`: exposure of a regimen beside the reference regimen."""
    _check_config(chosen.config)
    check_record(chosen)
    content = dose_command.run(chosen, columns(chosen), colour(chosen))
    if chosen.output is None:
        show(content, "json" if chosen.format == "json" else "text")
    else:
        from calcipath.output.writing import write_file

        write_file(chosen.output, content)
    return OK


def serve(chosen: argparse.Namespace) -> int:
    """`calcipath serve`: CDS Hooks until it is told to stop."""
    _check_config(chosen.config)
    serve_command.run(chosen)
    return OK


def hooks_check(chosen: argparse.Namespace) -> int:
    """`calcipath hooks-check`: every service-side statement of the register against a service."""
    content, status = conformance_command.run(chosen, columns(chosen), colour(chosen))
    show(content, chosen.format)
    return status


def feedback(chosen: argparse.Namespace) -> int:
    """`calcipath feedback`: what the service's store holds."""
    content, status = store_command.run(chosen, columns(chosen), colour(chosen))
    show(content, chosen.format)
    return status


def accounts(chosen: argparse.Namespace) -> int:
    """`calcipath accounts`: the accounts of the clinician's page."""
    show(accounts_command.run(chosen), "text")
    return OK


def screen(chosen: argparse.Namespace) -> int:
    """`calcipath screen`: a population."""
    _check_config(chosen.config)
    _check_config(chosen.what_if or "")
    show(screen_command.run(chosen), "text")
    return OK


def generate(chosen: argparse.Namespace) -> int:
    """`calcipath generate`: a synthetic population with its truth."""
    show(generate_command.run(chosen), "text")
    return OK


def explain(chosen: argparse.Namespace) -> int:
    """`calcipath explain`: one recommendation, without a patient."""
    _check_config(chosen.config)
    recommendation = _doors().explain(chosen.id, config=chosen.config)
    if chosen.format == "json":
        print_json(recommendation)
        return OK
    from calcipath.output.explanation import render_explanation

    show(render_explanation(recommendation, width=columns(chosen), colour=colour(chosen)), "text")
    return OK


def list_guideline(chosen: argparse.Namespace) -> int:
    """`calcipath guideline list`: every recommendation with its direction and strength."""
    _check_config(chosen.config)
    found = _doors().recommendations(config=chosen.config)
    if chosen.format == "json":
        print_json(list(found))
        return OK
    from calcipath.output.explanation import render_listing

    show(render_listing(found, width=columns(chosen), colour=colour(chosen)), "text")
    return OK


def check_guideline(chosen: argparse.Namespace) -> int:
    """`calcipath guideline check`: every problem of the content on a line of its own."""
    _check_config(chosen.config)
    problems = _doors().check_guideline(config=chosen.config)
    show("".join(f"{problem}\n" for problem in problems) or "The guideline is sound.\n", "text")
    return BAD_GUIDELINE if problems else OK
