"""`calcipath serve`: its options. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
from typing import Any


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="address to bind (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8080, metavar="N", help="port to bind (default: 8080)")
    parser.add_argument(
        "--settings", default="", metavar="FILE", help="the service's settings: clients, FHIR servers, store"
    )
    parser.add_argument(
        "--store", default="", metavar="URL", help="sqlite:///FILE or postgresql://… (default: a file here)"
    )
    parser.add_argument("--workers", type=_workers, metavar="N", help="processes (default: 1, or as the settings say)")
    parser.add_argument("--config", default="", metavar="FILE", help="a site's configuration")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"needs a port from 1 to 65535, not {text!r}")
    return int(text)


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 to 64, not {text!r}")
    return int(text)


def run(chosen: argparse.Namespace) -> None:
    """Run the service until it is told to stop. Raises `InputError` where the settings are wrong."""
    from calcipath.errors import InputError

    try:
        from calcipath.service import serve
    except ImportError as error:
        raise InputError(f"the service needs {error.name}: install calcipath with its 'serve' extra") from None
    asked: dict[str, Any] = {
        "path": chosen.settings,
        "host": chosen.host,
        "port": chosen.port,
        "workers": chosen.workers,
        "site": chosen.config,
        "store": chosen.store,
    }
    serve.run(asked)
