"""`calcipath accounts`: who may use the clinician's page. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from calcipath.errors import InputError

if TYPE_CHECKING:
    from calcipath.register.accounts import Account, Accounts

ROLES = ("reader", "clinician", "administrator")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The actions `add`, `list`, `password`, `disable` and `enable`. A password is never among the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="accounts_action")
    add = _action(actions, "add", "make an account; its password is asked for twice, or read from standard input")
    add.add_argument("--role", choices=ROLES, required=True, help="what it may do")
    _secret(add)
    _action(actions, "list", "every account with its role", named=False)
    _secret(_action(actions, "password", "give an account a new password, and end its sessions"))
    _action(actions, "disable", "shut an account out, and end its sessions; its cases stay")
    _action(actions, "enable", "let an account in again")


def _action(actions: Any, name: str, summary: str, *, named: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary[:1].upper() + summary[1:] + ".", allow_abbrev=False
    )
    if named:
        parser.add_argument("name", metavar="NAME", help="name of the account")
    parser.add_argument("--settings", default="", metavar="FILE", help="the service's settings: its store and its key")
    parser.add_argument("--store", default="", metavar="URL", help="the service's store, as `serve --store` names it")
    return parser


def _secret(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from the first line of standard input"
    )


def run(chosen: argparse.Namespace) -> str:
    """Do it; what to print. Raises `InputError`, and `StoreError` where the store cannot be used."""
    try:
        from calcipath.register.service_accounts import service_accounts
        from calcipath.service.serve import with_digest_key
        from calcipath.service.settings import read_settings
    except ImportError as error:
        raise InputError(f"accounts need {error.name}: install calcipath with its 'serve' extra") from None
    settings = read_settings(chosen.settings, host="127.0.0.1", port=8080, workers=None, site="", store=chosen.store)
    action = {"add": _add, "list": _list, "password": _password, "disable": _disable, "enable": _enable}
    adds = chosen.accounts_action == "add"  # the first account may come before the service has ever run
    with service_accounts(settings.store, lambda: with_digest_key(settings).digest_key, existing=not adds) as accounts:
        return action[chosen.accounts_action](accounts, chosen)


def _add(accounts: Accounts, chosen: argparse.Namespace) -> str:
    made = accounts.create(None, chosen.name, _asked(chosen), chosen.role)
    return f"{made.name} is made: {made.role}\n"


def _list(accounts: Accounts, _chosen: argparse.Namespace) -> str:
    return "".join(map(_line, accounts.all())) or "There is no account yet.\n"


def _line(account: Account) -> str:
    return f"{account.name}  {account.role}{'  disabled' if account.disabled else ''}\n"


def _password(accounts: Accounts, chosen: argparse.Namespace) -> str:
    changed = accounts.set_password(None, chosen.name, _asked(chosen))
    return f"{changed.name} has a new password; its sessions are ended\n"


def _disable(accounts: Accounts, chosen: argparse.Namespace) -> str:
    return f"{accounts.disable(None, chosen.name).name} is disabled; its sessions are ended\n"


def _enable(accounts: Accounts, chosen: argparse.Namespace) -> str:
    return f"{accounts.disable(None, chosen.name, disabled=False).name} is let in again\n"


def _asked(chosen: argparse.Namespace) -> str:
    """The password: one line of standard input, or typed twice without being shown."""
    if chosen.password_stdin:
        try:
            return sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise InputError("the password on standard input is no text") from None
    if not sys.stdin.isatty():
        raise InputError("a password is typed on a terminal; else give it on standard input with --password-stdin")
    from getpass import getpass

    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise InputError("the two passwords differ: nothing was changed")
    return password
