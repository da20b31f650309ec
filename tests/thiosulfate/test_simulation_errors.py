"""Bad input to the pharmacokinetic engine: one clear sentence each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calcipath.errors import InputError
from calcipath.thiosulfate import simulate

NAN, INFINITE = float("nan"), float("inf")


def ask(**changes: Any) -> Any:
    """A plain request with some arguments changed."""
    request: dict[str, Any] = {
        "clearance": [(0, 4, 20.0), (4, 48, 9.0)],
        "infusions": [(3, 100.0, 1)],
        "times": [0, 24, 48],
        "volume": 16.0,
    }
    request.update(changes)
    return simulate(request.pop("clearance"), request.pop("infusions"), **request)


def test_the_request_unchanged_is_fine() -> None:
    assert ask().concentration[1] > 0.0


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "clearance as a word": ({"clearance": "fast"}, r"clearance must be a list of \(start h, end h, L/h\)"),
    "interval of two": ({"clearance": [(0, 48)]}, r"clearance must be a list of \(start h, end h, L/h\)"),
    "clearance as a number": ({"clearance": 9.0}, r"clearance must be a list"),
    "clearance value as a word": ({"clearance": [(0, 48, "fast")]}, r"clearance of interval 1 must be a number"),
    "interval with a word": (
        {"clearance": [("noon", 48, 9.0)]},
        r"interval 1 has a time that is not a number of hours",
    ),
    "interval of ages": ({"clearance": [(0, 1e9, 9.0)]}, r"interval 1 has a time that is not a number of hours"),
    "infusion of four": (
        {"infusions": [(3, 100.0, 1, 2)]},
        r"infusions must be a list of \(start h, mmol, duration h\)",
    ),
    "amount as a word": ({"infusions": [(3, "25 g", 1)]}, r"amount of infusion 1 must be a number"),
    "no volumes": ({"volume": []}, r"volume must be one number or one for each patient"),
    "volume as a word": ({"volume": "large"}, r"volume must be a number"),
    "gap": ({"clearance": [(0, 4, 20.0), (5, 48, 9.0)]}, r"gap between 4 h and 5 h"),
    "overlap": ({"clearance": [(0, 4, 20.0), (3, 48, 9.0)]}, r"overlap between 4 h and 3 h"),
    "empty table": ({"clearance": []}, r"clearance table is empty"),
    "interval of no length": ({"clearance": [(0, 0, 20.0), (0, 48, 9.0)]}, r"interval 1 ends at 0 h"),
    "interval backwards": ({"clearance": [(0, 4, 20.0), (4, 2, 9.0)]}, r"interval 2 ends at 2 h"),
    "interval without a time": ({"clearance": [(0, NAN, 20.0)]}, r"interval 1 has a time that is not a number"),
    "interval without end": ({"clearance": [(0, INFINITE, 20.0)]}, r"interval 1 has a time that is not a number"),
    "negative clearance": ({"clearance": [(0, 4, 20.0), (4, 48, -9.0)]}, r"clearance of interval 2 .*L/h"),
    "clearance not a number": ({"clearance": [(0, 48, NAN)]}, r"clearance of interval 1 .*L/h"),
    "negative clearance of one patient": (
        {"clearance": [(0, 48, np.array([9.0, -1.0]))]},
        r"clearance of interval 1 must be zero or more",
    ),
    "table of patients": ({"clearance": [(0, 48, np.ones((2, 2)))]}, r"one number or one for each patient"),
    "negative dose": ({"infusions": [(3, -100.0, 1)]}, r"amount of infusion 1 .*mmol"),
    "dose not a number": ({"infusions": [(1, 1.0, 1), (3, NAN, 1)]}, r"amount of infusion 2 .*mmol"),
    "negative duration": ({"infusions": [(3, 100.0, -1)]}, r"infusion 1 lasts -1 h"),
    "duration not a number": ({"infusions": [(3, 100.0, NAN)]}, r"duration of infusion 1 .*not a number"),
    "infusion at no time": ({"infusions": [(NAN, 100.0, 1)]}, r"infusion 1 has a time that is not a number"),
    "infusion before the table": ({"infusions": [(-1, 100.0, 1)]}, r"infusion 1 .*outside the clearance table"),
    "infusion past the table": ({"infusions": [(47.5, 100.0, 1)]}, r"infusion 1 .*outside the clearance table"),
    "bolus past the table": ({"infusions": [(49, 100.0, 0)]}, r"infusion 1 .*outside the clearance table"),
    "time before the start": ({"times": [-1, 24]}, r"time -1 h lies before the start .* 0 h"),
    "time after the end": ({"times": [24, 49]}, r"ends at 48 h, before the last time 49 h"),
    "no times": ({"times": []}, r"times must be a list of hours"),
    "time not a number": ({"times": [1, NAN]}, r"times must be a list of hours"),
    "times as words": ({"times": ["noon"]}, r"times must be a list of hours"),
    "table of times": ({"times": [[1, 2], [3, 4]]}, r"times must be a list of hours"),
    "no volume": ({"volume": 0.0}, r"volume must be above zero, in L"),
    "negative volume": ({"volume": -16.0}, r"volume must be zero or more|volume must be above zero"),
    "volume not a number": ({"volume": NAN}, r"volume must be .*in L"),
    "exchange alone": ({"intercompartmental_clearance": 5.0}, r"needs both .*peripheral_volume"),
    "peripheral volume alone": ({"peripheral_volume": 14.0}, r"needs both intercompartmental_clearance"),
    "negative exchange": (
        {"intercompartmental_clearance": -5.0, "peripheral_volume": 14.0},
        r"intercompartmental clearance must be zero or more, in L/h",
    ),
    "no peripheral volume": (
        {"intercompartmental_clearance": 5.0, "peripheral_volume": 0.0},
        r"peripheral volume must be above zero, in L",
    ),
    "negative production": ({"production": -0.1}, r"production must be zero or more, in mmol/h"),
    "infinite production": ({"production": INFINITE}, r"production must be zero or more, in mmol/h"),
    "negative start": ({"initial": -0.1}, r"initial concentration must be zero or more, in mmol/L"),
    "different numbers of patients": (
        {"volume": np.array([16.0, 17.0]), "initial": np.array([0.0, 0.0, 0.0])},
        r"different numbers of patients: \[2, 3\]",
    ),
    "doses for other patients": (
        {"volume": np.array([16.0, 17.0]), "infusions": [(3, np.array([1.0, 2.0, 3.0]), 1)]},
        r"different numbers of patients: \[2, 3\]",
    ),
    "exchange for other patients": (
        {
            "volume": np.array([16.0, 17.0]),
            "intercompartmental_clearance": np.ones(4),
            "peripheral_volume": 14.0,
        },
        r"different numbers of patients: \[2, 4\]",
    ),
}


@pytest.mark.parametrize(("changes", "says"), BAD.values(), ids=BAD.keys())
def test_says_what_is_wrong_in_one_sentence(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        ask(**changes)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert len(sentence) < 160
