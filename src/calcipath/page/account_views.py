"""Login, accounts, passwords."""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.output.markup import Markup, tag
from calcipath.page.language import _
from calcipath.page.layout import field, html, post, select
from calcipath.page.visit import Visit
from calcipath.register.accounts import Account


def _roles() -> list[tuple[str, str]]:
    return [
        ("clinician", _("clinician: has cases of their own")),
        ("reader", _("reader: sees what is shared with them")),
        ("administrator", _("administrator: also manages accounts")),
    ]


def login_view(base: str, secret: str, message: Markup | None, *, any_account: bool) -> Markup:
    """The form of a name and a password. `secret` ties it to this browser."""
    name = tag("input", name="name", id="name", autocomplete="username", required="required")
    password = tag(
        "input", type="password", name="password", id="password", autocomplete="current-password", required="required"
    )
    hidden = tag("input", type="hidden", name="csrf", value=secret)
    form = tag(
        "form",
        hidden,
        field(_("Name"), name, for_="name"),
        field(_("Password"), password, for_="password"),
        tag("button", _("Log in")),
        method="post",
        action=f"{base}/page/login",
    )
    none = (
        tag("p", _("There is no account yet: whoever runs this service makes the first with “calcipath accounts add”."))
        if not any_account
        else None
    )
    return html(
        None,
        _("Log in"),
        tag("main", tag("header", tag("h1", _("Log in"))), none, form, id="main"),
        base=base,
        message=message,
    )


def accounts_view(visit: Visit, accounts: Sequence[Account], message: Markup | None) -> Markup:
    """Every account with its role; new ones."""
    rows = [
        tag(
            "li",
            tag("strong", each.name),
            " ",
            each.role,
            " ",
            _("(disabled)") if each.disabled else None,
            _change(visit, each),
        )
        for each in accounts
    ]
    name = field(
        _("Name"), tag("input", name="name", id="new-name", autocomplete="off", required="required"), for_="new-name"
    )
    password = field(
        _("Password, at least 12 characters"),
        tag(
            "input",
            type="password",
            name="password",
            id="new-password",
            autocomplete="new-password",
            required="required",
        ),
        for_="new-password",
    )
    role = field(_("Role"), select("role", "new-role", _roles()), for_="new-role")
    made = post(visit, "/page/accounts/new", name, password, role, tag("button", _("Make the account")))
    main = tag(
        "main",
        tag("header", tag("h1", _("Accounts"))),
        tag("section", tag("h2", _("Accounts")), tag("ul", *rows)),
        tag("section", tag("h2", _("A new account")), made),
        id="main",
    )
    return html(visit, _("Accounts"), main, message=message)


def _change(visit: Visit, account: Account) -> Markup | None:
    if account.name == visit.account.name or account.name == "local":
        return None
    hidden = tag("input", type="hidden", name="name", value=account.name)
    words = _("Let in again") if account.disabled else _("Disable")
    act = tag(
        "button",
        words,
        " ",
        tag("span", account.name, class_="hidden"),
        name="disabled",
        value="no" if account.disabled else "yes",
        class_="quiet",
    )
    id_ = f"role-{account.id}"
    roles = select("role", id_, _roles(), account.role, aria_label=_("Role of {name}", name=account.name))
    password = tag(
        "input",
        type="password",
        name="password",
        autocomplete="new-password",
        aria_label=_("New password of {name}", name=account.name),
        size="14",
    )
    return post(
        visit,
        "/page/accounts/change",
        hidden,
        roles,
        password,
        tag("button", _("Change"), name="act", value="change"),
        act,
        class_="inline",
    )


def password_view(visit: Visit, message: Markup | None) -> Markup:
    """A new password of one's own."""
    old = field(
        _("Password now"),
        tag("input", type="password", name="old", id="old", autocomplete="current-password", required="required"),
        for_="old",
    )
    new = field(
        _("New password, at least 12 characters"),
        tag("input", type="password", name="new", id="new", autocomplete="new-password", required="required"),
        for_="new",
    )
    form = post(visit, "/page/password", old, new, tag("button", _("Change it")))
    return html(
        visit,
        _("Password"),
        tag("main", tag("header", tag("h1", _("Your password"))), form, id="main"),
        message=message,
    )
