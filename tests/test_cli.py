"""The command as a user meets it: real processes, exit statuses, one sentence for each failure."""

from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import calcipath

HERE = Path(__file__).parent
SAMPLES = HERE / "data" / "assessments"
VALVE = SAMPLES / "haemodialysis-mechanical-valve.json"
STUB = HERE / "stub_command.py"
SOURCE = str(Path(calcipath.__file__).parents[1])


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "CALCIPATH_DEBUG")}
    return {**kept, "PYTHONPATH": SOURCE, **more}


def run(*arguments: object, real: bool = False, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "calcipath"] if real else [sys.executable, str(STUB)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        env=environment(**more),
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    assert result.stdout == ""
    assert result.stderr.startswith("calcipath: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    return result.stderr


def test_help_loads_nothing_heavy_and_lists_the_statuses() -> None:
    code = (
        "import sys, calcipath.cli as cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'yaml', 'orjson', 'calcipath.api', 'calcipath.guideline', 'calcipath.record'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    checked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    result = run("--help", real=True)
    for status in ("0", "1", "2", "3", "4", "130", "141"):
        assert f"\n  {status} " in result.stdout


def test_help_of_every_command_and_version() -> None:
    for arguments in (("assess",), ("explain",), ("guideline",), ("guideline", "list"), ("guideline", "check")):
        assert run(*arguments, "--help", real=True).returncode == 0
    assert run("--version", real=True).stdout == f"calcipath {calcipath.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["diagnose"], "invalid choice"),
        (["assess"], "needs a RECORD"),
        (["assess", "nowhere.json"], "no such file or folder: nowhere.json"),
        (["assess", VALVE, "--server", "http://localhost"], "not both"),
        (["assess", "--server", "http://localhost"], "needs the id of the patient"),
        (["assess", "--patient", "1"], "needs a RECORD"),
        (["assess", VALVE, "--complete", "labs"], "allergies and medications"),
        (["assess", VALVE, "--complete", ""], "allergies and medications"),
        (["assess", VALVE, "--as-of", "2026-02-30"], "2026-02-30"),
        (["assess", VALVE, "--as-of", "2026-01-15T08:00"], "with its zone"),
        (["assess", VALVE, "--width", "10"], "from 24"),
        (["assess", VALVE, "--format", "pdf"], "invalid choice"),
        (["assess", VALVE, "--config", "none.yaml"], "no such configuration file: none.yaml"),
        (["explain", "replace-warfarn"], "did you mean replace-warfarin?"),
        (["guideline"], "ACTION"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(arguments: list[object], said: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert said in one_sentence(result)


@pytest.mark.parametrize(
    ("error", "status"), [("InputError", 2), ("GuidelineError", 3), ("ServerError", 4), ("OSError", 2), ("KeyError", 1)]
)
def test_errors_have_their_status(error: str, status: int) -> None:
    result = run("assess", VALVE, STUB_ERROR=error)
    assert result.returncode == status
    one_sentence(result)


def test_an_internal_error_names_no_patient_unless_debugging() -> None:
    assert "Jane Doe" not in one_sentence(run("assess", VALVE, STUB_ERROR="KeyError"))
    assert "Traceback" in run("assess", VALVE, STUB_ERROR="KeyError", CALCIPATH_DEBUG="1").stderr


def test_a_refusing_server_is_status_4() -> None:
    result = run("assess", "--server", "http://fhir.example.org", "--patient", "7")
    assert result.returncode == 4
    assert "http://fhir.example.org refused" in one_sentence(result)


def test_json_is_the_assessment_and_nothing_else() -> None:
    result = run("assess", VALVE, "--format", "json", "--complete", "medications,allergies", "--notes", "off")
    answer = json.loads(result.stdout)
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.endswith("}\n")
    assert list(answer) == list(json.loads(VALVE.read_text(encoding="utf-8")))
    assert answer["patient"]["id"] == "complete=['allergies', 'medications'] notes=False as_of="


def test_options_reach_the_assessment() -> None:
    result = run("assess", VALVE, "--as-of", "2026-01-15T08:30:00+01:00")
    assert "as_of=2026-01-15T08:30:00+01:00" in result.stdout.replace("\n", "")


def test_text_has_no_escape_codes_when_piped_and_obeys_the_width() -> None:
    result = run("assess", VALVE, "--width", "60")
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 60


def on_a_terminal(*arguments: object, **more: str) -> str:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(STUB), *map(str, arguments)],
        stdout=follower,
        stderr=follower,
        env=environment(**{"TERM": "xterm", **more}),
    )
    os.close(follower)
    shown = b""
    try:
        while block := os.read(leader, 65536):
            shown += block
    except OSError:  # Linux reports the end of a terminal as an input error
        pass
    os.close(leader)
    assert process.wait(30) == 0
    return shown.decode()


def test_colour_on_a_terminal_only_when_wanted() -> None:
    assert "\x1b[" in on_a_terminal("assess", VALVE)
    assert "\x1b[" not in on_a_terminal("assess", VALVE, NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("assess", VALVE, "--no-colour")
    assert "\x1b[" not in on_a_terminal("assess", VALVE, TERM="dumb")


def test_output_is_a_whole_private_file(tmp_path: Path) -> None:
    page = tmp_path / "plan.html"
    result = run("assess", VALVE, "--format", "html", "--output", page)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert page.read_text(encoding="utf-8").endswith("</html>\n")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [page]


def test_a_failed_run_leaves_the_old_file(tmp_path: Path) -> None:
    page = tmp_path / "plan.txt"
    page.write_text("old", encoding="utf-8")
    page.chmod(0o640)
    assert run("assess", VALVE, "--output", page, STUB_ERROR="InputError").returncode == 2
    assert page.read_text(encoding="utf-8") == "old"
    assert run("assess", VALVE, "--output", page).returncode == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    assert page.read_text(encoding="utf-8") != "old"


def test_a_linked_output_replaces_what_the_link_names(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    assert run("assess", VALVE, "--output", link).returncode == 0
    assert link.is_symlink()
    assert "HELD" in target.read_text(encoding="utf-8")


def test_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "plan.txt"):
        result = run("assess", VALVE, "--output", place)
        assert result.returncode == 2
        assert f"cannot write {place}" in one_sentence(result)
    assert run("assess", VALVE, "--output", "/dev/null").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, str(STUB), "assess", str(VALVE)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr == "calcipath: input or output failed: no space left on device\n"


def test_a_reader_that_goes_away_is_silent() -> None:
    process = subprocess.Popen(
        [sys.executable, str(STUB), "assess", str(VALVE), "--format", "html"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 141
    assert said == b""


def test_interruption_is_one_word() -> None:
    process = subprocess.Popen(
        [sys.executable, str(STUB), "assess", str(VALVE)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(STUB_SLEEP="1"),
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)
    assert (process.returncode, out, said) == (130, "", "calcipath: interrupted\n")


def test_explain_and_guideline() -> None:
    assert "Warfarin should probably" in run("explain", "replace-warfarin").stdout
    assert json.loads(run("explain", "replace-warfarin", "--format", "json").stdout)["strength"] == "suggest"
    assert "replace-warfarin" in run("guideline", "list").stdout
    assert json.loads(run("guideline", "list", "--format", "json").stdout)[0]["id"] == "replace-warfarin"
    assert run("guideline", "check").returncode == 0
    unsound = run("guideline", "check", STUB_UNSOUND="1")
    assert unsound.returncode == 3
    assert unsound.stdout == "facts.yaml:3: no such unit\n"
