"""The same seed gives the same bytes; a run is whole or leaves nothing."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from synthetic import contents, generated, lines, setting, table

from calcipath.errors import InputError
from calcipath.synthesis.export import LARGEST_PART, part_size
from calcipath.synthesis.identifiers import MOST_ENTRIES

MIXED = setting("mixed", notes=0.3, mistakes=0.02, enrich=20)


@pytest.mark.parametrize(("form", "zipped"), [("fhir", True), ("omop", False)])
def test_workers_do_not_change_a_byte(tmp_path: Path, form: str, zipped: bool) -> None:
    alone = generated(tmp_path / "alone", 2300, MIXED, form, zipped=zipped)  # type: ignore[arg-type]
    shared = generated(tmp_path / "shared", 2300, MIXED, form, zipped=zipped, workers=3)  # type: ignore[arg-type]
    assert contents(alone) == contents(shared)


def test_a_patient_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    few = generated(tmp_path / "few", 1130, MIXED)
    many = generated(tmp_path / "many", 2200, MIXED)
    assert table(many / "truth/truth.csv")[:1130] == table(few / "truth/truth.csv")
    assert set(lines(few)) <= set(lines(many))


def test_another_seed_gives_another_population(tmp_path: Path) -> None:
    one = generated(tmp_path / "one", 100, setting(seed=1))
    other = generated(tmp_path / "other", 100, setting(seed=2))
    assert table(one / "truth/truth.csv") != table(other / "truth/truth.csv")


def test_mistakes_and_notes_do_not_change_who_the_patients_are(tmp_path: Path) -> None:
    plain = table(generated(tmp_path / "plain", 200, setting()) / "truth/truth.csv")
    marred = table(generated(tmp_path / "marred", 200, setting(mistakes=0.1, notes=1.0)) / "truth/truth.csv")
    same = [name for name in plain[0] if name not in ("note", "entries", "mistakes", "hiding_mistakes")]
    assert [[row[name] for name in same] for row in plain] == [[row[name] for name in same] for row in marred]


def test_identifiers_are_unique(tmp_path: Path) -> None:
    folder = generated(tmp_path / "out", 1100, setting())
    import orjson

    seen = [(kind, orjson.loads(line)["id"]) for kind, line in lines(folder)]
    assert len(seen) == len(set(seen))
    assert max(int(row["entries"]) for row in table(folder / "truth/truth.csv")) < MOST_ENTRIES // 8


def test_parts_are_bounded_and_depend_on_the_population_alone() -> None:
    assert part_size(100) == 1000
    assert part_size(10_000) == 2000
    assert part_size(10_000_000) == LARGEST_PART


def test_the_largest_part_is_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = generated(tmp_path / "out", 2300, setting("mixed"))
    assert [file.name for file in sorted(folder.glob("Patient*"))] == [f"Patient.{n:04d}.ndjson" for n in range(3)]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        generated(tmp_path, 100, setting())
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert (generated(tmp_path / "out", 100, setting()) / "truth/truth.csv").is_file()


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="is no folder"):
        generated(tmp_path / "out", 100, setting())


def test_a_missing_parent_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*no such file or directory; nothing was written"):
        generated(tmp_path / "absent" / "out", 100, setting())


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("workers", [1, 2])
def test_when_writing_fails_nothing_stays(tmp_path: Path, workers: int) -> None:
    """A limit on the size of a file stands in for a full disk: both come as an error of a write."""
    program = textwrap.dedent(f"""
        import resource, sys
        from calcipath.cli import main
        if __name__ == "__main__":
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
            sys.exit(main(["generate", {str(tmp_path / "out")!r}, "--patients", "2000", "--workers", "{workers}"]))
    """)
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"calcipath: cannot write {tmp_path / 'out'}: file too large; nothing was written\n"
    assert [file.name for file in tmp_path.iterdir()] == ["program.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    import signal
    import time

    command = [sys.executable, "-m", "calcipath", "generate", str(tmp_path / "out"), "--patients", "400000"]
    running = subprocess.Popen(
        [*command, "--workers", "2", "--population", "mixed"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".out.*.part/Observation*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "calcipath: interrupted\n"
    assert list(tmp_path.iterdir()) == []
