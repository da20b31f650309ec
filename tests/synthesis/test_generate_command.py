"""`calcipath generate` at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from calcipath.cli import main
from calcipath.generate_command import AS_OF


def test_it_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["generate", str(out), "--patients", "100", "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert said.out == f"100 imaginary patients in {out}; what was put in: {out}/truth\n"
    assert said.err == ""
    assert {path.name.partition(".")[0] for path in out.iterdir()} >= {"Patient", "Observation", "truth"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--patients", "99"], "needs a whole number from 100 to 10000000, not '99'"),
        (["--patients", "10000001"], "needs a whole number from 100 to 10000000"),
        (["--patients", "many"], "not 'many'"),
        (["--seed=-1"], "needs a whole number of at most 18 digits"),
        (["--seed", "x"], "needs a whole number of at most 18 digits"),
        (["--mistakes", "1.5"], "needs a number from 0 to 1, not '1.5'"),
        (["--notes", "nan"], "needs a number from 0 to 1"),
        (["--enrich", "0"], "needs a number from 1 to 200"),
        (["--as-of", "2026-02-30"], "needs a date from 1990 to 2100"),
        (["--as-of", "20260630"], "needs a date from 1990 to 2100"),
        (["--as-of", "1812-01-01"], "needs a date from 1990 to 2100"),
        (["--workers", "0"], "needs a whole number from 1 to 256"),
        (["--format", "csv"], "invalid choice: 'csv'"),
        (["--population", "all"], "invalid choice: 'all'"),
    ],
)
def test_a_bad_option_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert main(["generate", str(tmp_path / "out"), *options]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["generate", str(tmp_path), "--patients", "100"]) == 2
    assert capsys.readouterr().err == f"calcipath: the folder {tmp_path} is not empty; choose a new or an empty one\n"


def test_the_default_date_is_fixed(tmp_path: Path) -> None:
    for name, options in (("given", ["--as-of", AS_OF]), ("default", [])):
        assert main(["generate", str(tmp_path / name), "--patients", "100", "--workers", "1", *options]) == 0
    given, default = ((tmp_path / name / "truth/truth.csv").read_bytes() for name in ("given", "default"))
    assert given == default


def test_another_date_moves_everything(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert (
        main(["generate", str(out), "--patients", "100", "--workers", "1", "--as-of", "2020-01-31", "--mistakes", "0"])
        == 0
    )
    text = (out / "Observation.0000.ndjson").read_text()
    assert "2020-01-" in text
    assert "2026-" not in text
