"""`calcipath accounts` as a command: the first administrator on an empty store, passwords by a terminal or a pipe."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from security_ground import ACCOUNTS, PASSWORD, ROOT, Browser, accounts_command, in_process

COMMAND = [sys.executable, "-m", "calcipath", "accounts"]
OTHER = "another good password"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def run(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], input=typed, capture_output=True, text=True, cwd=folder, env=environment(), check=False
    )


def at_a_terminal(folder: Path, *words: str, typed: tuple[str, ...]) -> tuple[int, str]:
    """Type at each prompt; the exit status, and all that the terminal showed."""
    terminal, end = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, *words], stdin=end, stdout=end, stderr=end, cwd=folder, env=environment(), start_new_session=True
    )
    os.close(end)
    shown = ""
    waiting = list(typed)
    while True:
        try:
            piece = os.read(terminal, 1000).decode()
        except OSError:  # the other end has gone
            break
        if not piece:
            break
        shown += piece
        if waiting and shown.rstrip().endswith(":"):
            time.sleep(0.05)
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
            shown += "\n"
    os.close(terminal)
    return child.wait(20), shown


def test_from_an_empty_folder_to_an_administrator_who_is_let_in(tmp_path: Path) -> None:
    done = run(tmp_path, "add", "Ada", "--role", "administrator", "--password-stdin", typed=f"{PASSWORD}\nmore\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Ada is made: administrator\n", "")
    file = tmp_path / "calcipath-service.sqlite"
    assert file.stat().st_mode & 0o077 == 0
    with in_process(tmp_path, ACCOUNTS, f"sqlite:///{file}") as site:
        browser = Browser(site)
        assert browser.login("ada").status_code == 303
        assert browser.get("/page/accounts").status_code == 200
        made = {"name": "Ben", "password": PASSWORD, "role": "clinician"}
        assert browser.post("/page/accounts/new", made).status_code == 303
        ben = Browser(site)
        assert ben.login("Ben").status_code == 303
        store = site.store  # while the service runs
        assert accounts_command(store, "password", "BEN", "--password-stdin", typed=f"{OTHER}\r\n") == 0
        assert ben.get("/").status_code == 303
        assert ben.login("Ben").status_code == 403 and ben.login("Ben", OTHER).status_code == 303
        assert accounts_command(store, "disable", "Ben") == 0
        assert ben.get("/").status_code == 303 and ben.login("Ben", OTHER).status_code == 403
        assert accounts_command(store, "enable", "Ben") == 0
        assert ben.login("Ben", OTHER).status_code == 303
    listed = run(tmp_path, "list")
    assert listed.stdout == "Ada  administrator\nBen  clinician\n"
    with closing(sqlite3.connect(file)) as database:
        acts = database.execute("SELECT account, action FROM audit_case ORDER BY at, number").fetchall()
        said = str(database.execute("SELECT * FROM audit_case").fetchall())
    assert acts[0] == ("command line", "account-made")
    for action in ("password-set", "account-disabled", "account-enabled"):
        assert ("command line", action) in acts
    assert PASSWORD not in said and OTHER not in said
    held = file.read_bytes()
    assert PASSWORD.encode() not in held and b"$argon2id$v=19$m=65536,t=3,p=4$" in held


def test_a_password_is_typed_twice_and_not_shown(tmp_path: Path) -> None:
    status, shown = at_a_terminal(tmp_path, "add", "Ada", "--role", "reader", typed=(PASSWORD, PASSWORD))
    assert status == 0 and "Ada is made: reader" in shown and PASSWORD not in shown
    status, shown = at_a_terminal(tmp_path, "password", "Ada", typed=(OTHER, OTHER + "x"))
    assert status == 2 and "differ: nothing was changed" in shown and OTHER not in shown


@pytest.mark.parametrize(
    ("words", "typed", "sentence"),
    [
        (("add", "Ada", "--role", "reader"), PASSWORD, "--password-stdin"),
        (("add", "Ada", "--role", "reader", "--password-stdin"), "short\n", "at least 12 characters"),
        (("add", "Ada", "--role", "reader", "--password-stdin"), "", "at least 12 characters"),
        (("add", "Ada", "--role", "king", "--password-stdin"), PASSWORD, "invalid choice"),
        (("add", "Ada", "--password-stdin"), PASSWORD, "--role"),
        (("add", "Ada", "--role", "reader", "--password", PASSWORD), "", "unrecognized arguments"),
        (("add", "Ada", PASSWORD, "--role", "reader"), "", "unrecognized arguments"),
        (("add", "local", "--role", "administrator", "--password-stdin"), PASSWORD, "is taken"),
        (("add", "Command Line", "--role", "administrator", "--password-stdin"), PASSWORD, "is taken"),
        (("add", "a\nb", "--role", "reader", "--password-stdin"), PASSWORD, "printable characters"),
        (("list",), "", "there is no such file"),
        (("disable", "Ada"), "", "there is no such file"),
        (("password", "Ada", "--password-stdin"), PASSWORD, "there is no such file"),
        (("list", "--store", "mysql://root:hidden@x/y"), "", "a store is named by"),
        (("list", "--settings", "missing.yaml"), "", "cannot be read"),
        ((), "", "ACTION"),
    ],
)
def test_what_is_refused_is_one_sentence(
    words: tuple[str, ...], typed: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    store = (
        ()
        if "--store" in words or "--settings" in words or not words
        else ("--store", f"sqlite:///{tmp_path}/s.sqlite")
    )
    from calcipath.cli import main

    monkeypatch.setattr(sys, "stdin", open_text(typed))
    assert main(["accounts", *words, *store]) == 2
    out, err = capsys.readouterr()
    assert out == "" and sentence in err and err.count("\n") == 1
    assert "hidden" not in err and (PASSWORD not in err or "unrecognized" in err)
    if "no such file" in sentence:
        assert list(tmp_path.iterdir()) == []  # neither a store nor a key is left by a wrong address


def test_what_nobody_has_and_this_machines_user_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"sqlite:///{tmp_path / 's.sqlite'}"
    assert accounts_command(store, "add", "Ada", "--role", "reader", "--password-stdin", typed=PASSWORD) == 0
    assert accounts_command(store, "add", "ADA", "--role", "reader", "--password-stdin", typed=PASSWORD) == 2
    assert "the name ADA is taken" in capsys.readouterr().err
    assert accounts_command(store, "disable", "Ben") == 2
    assert "there is no account of this name" in capsys.readouterr().err
    with in_process(tmp_path, store=store) as site:
        Browser(site).open()
    for words in (("disable", "local"), ("password", "local", "--password-stdin")):
        assert accounts_command(store, *words, typed=PASSWORD) == 2
        assert "stays as it is" in capsys.readouterr().err


def open_text(typed: str) -> object:
    import io

    return io.TextIOWrapper(io.BytesIO(typed.encode()))
