"""The bar of a long run: the share that is done, and nothing where nobody watches."""

from __future__ import annotations

import io
import sys
import time

import pytest

from calcipath.output.progress import StepProgress
from calcipath.population.steps import REPORT, WHAT_IF, screening_steps

PLAN = [("source", 10.0), ("patients", 10.0), ("facts", 60.0), ("results", 20.0)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_share_is_that_of_the_steps_before_and_of_the_portions() -> None:
    step = StepProgress(PLAN)
    shares = []
    for name, within in (
        ("source", 0.0),
        ("patients", 0.0),
        ("facts", 0.0),
        ("facts", 0.5),
        ("something unforeseen", 0.0),
        ("results", 0.0),
    ):
        step(name, within)
        shares.append(step.share)
    assert shares == [0.0, 0.1, 0.2, 0.5, 0.2, 0.8]


def test_a_step_that_comes_twice_is_the_second_one_the_second_time() -> None:
    step = StepProgress([*PLAN, *PLAN])
    for name, _ in (*PLAN, PLAN[0]):
        step(name)
    assert step.share == 0.5


def test_the_line_is_drawn_each_second_and_goes_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    with StepProgress(PLAN) as step:
        step("results")
        time.sleep(1.2)
    lines = terminal.getvalue().split("\r\033[K")
    assert lines[1].startswith("[####")
    assert lines[1].endswith(" 80 % 0:00 results")
    assert lines[2].endswith("0:01 results")
    assert lines[-1] == ""
    assert all(len(line) < 60 for line in lines)


def test_without_a_terminal_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with StepProgress(PLAN) as step:
        step("source")
    assert capsys.readouterr() == ("", "")


def test_the_plans_name_each_step_once() -> None:
    for yes in (True, False):
        plan = [*screening_steps(flat=yes, encounters=yes), WHAT_IF]
        names = [name for name, _ in plan]
        assert len(names) == len(set(names))
    assert all(weight > 0 for _, weight in (*plan, *REPORT))
