"""Accounts and passwords: each act asks the register, then shows or redirects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from calcipath.errors import InputError
from calcipath.output.markup import Markup
from calcipath.page import account_views
from calcipath.page.language import _
from calcipath.page.layout import done
from calcipath.page.responses import document, see
from calcipath.page.visit import Visit
from calcipath.register.refusals import NotAllowed
from calcipath.register.register import Register


@dataclass(frozen=True, slots=True)
class AccountEndpoints:
    """The accounts of a register. Each method takes a visit and gives a response; all are called in a thread."""

    register: Register

    def accounts(self, visit: Visit, said: Markup | None = None) -> Response:
        """Every account, for an administrator."""
        _administrator(visit)
        return document(
            account_views.accounts_view(visit, self.register.accounts.all(), said or done(visit)), 400 if said else 200
        )

    def new_account(self, visit: Visit) -> Response:
        """One more."""
        form = visit.form
        self.register.accounts.create(visit.account, form.text("name"), _secret(form, "password"), form.text("role"))  # type: ignore[arg-type]
        return see(f"{visit.base}/page/accounts?done=account")

    def change_account(self, visit: Visit) -> Response:
        """Role, password, or shut out."""
        form, accounts = visit.form, self.register.accounts
        if form.text("disabled"):
            accounts.disable(visit.account, form.text("name"), disabled=form.text("disabled") == "yes")
        else:
            accounts.set_role(visit.account, form.text("name"), form.text("role"))  # type: ignore[arg-type]
            if _secret(form, "password"):
                accounts.set_password(visit.account, form.text("name"), _secret(form, "password"))
        return see(f"{visit.base}/page/accounts?done=account")

    def password(self, visit: Visit, said: Markup | None = None) -> Response:
        """One's own password."""
        return document(account_views.password_view(visit, said), 400 if said else 200)

    def change_password(self, visit: Visit) -> Response:
        """The old one is asked for; every session of the account ends."""
        if self.register.accounts.authenticate(visit.account.name, _secret(visit.form, "old")) is None:
            raise InputError(_("The password now is another one"))
        self.register.accounts.set_password(visit.account, visit.account.name, _secret(visit.form, "new"))
        return see(f"{visit.base}/")


def _secret(form: Any, name: str) -> str:
    """A password as it was typed: spaces belong to it."""
    return next(iter(form.fields.get(name, ())), "")


def _administrator(visit: Visit) -> None:
    if not visit.account.administers:
        raise NotAllowed(_("only an administrator may do this"))
