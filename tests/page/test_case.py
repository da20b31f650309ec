"""A case from the first screen to a follow-up, as a browser without a script would do it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from calcipath.errors import InputError
from calcipath.service.settings import read_settings

sys.path.append(str(Path(__file__).parents[1] / "service"))
from running import serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path_factory.mktemp("page")) as running,
        httpx.Client(base_url=running.base, follow_redirects=True, timeout=30) as made,
    ):
        made.get("/")
        yield made


def secret(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/").text)
    assert found is not None
    return found[1]


def sent(client: httpx.Client, address: str, **fields: str | list[str]) -> str:
    """The page that follows a form."""
    answer = client.post(address, data={"csrf": secret(client), **fields})
    assert answer.status_code == 200, answer.text[-600:]
    return answer.text


def case_of(page: str) -> str:
    found = re.search(r'action="(/cases/[\w-]+)/answers"', page)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def begun(client: httpx.Client) -> str:
    """The address of a case that began with the form."""
    page = sent(
        client,
        "/cases/new",
        label="Mrs Form",
        **{
            "age.value": "61",
            "sex.value": "female",
            "weight.value": "82",
            "dialysis.value": "hemodialysis",
            "dialysis-sessions.value": "4",
            "dialysis-session-hours.value": "3",
            "lesion.value": "skin-ulcer",
            "lesion.site": ["site-thigh"],
            "lesion-pain.value": "yes",
        },
    )
    return case_of(page)


def test_the_form_gives_an_assessment(client: httpx.Client, begun: str) -> None:
    page = client.get(begun).text
    assert "Suspicion: suspected." in page
    assert "Woman, 61 years, 82 kg" in page
    assert "On haemodialysis, 4 sessions of 3 h a week" in page
    assert "What would change the answer most" in page


def test_the_next_question_is_another_one_when_it_was_answered(client: httpx.Client, begun: str) -> None:
    def asked(page: str) -> tuple[str, str]:
        found = re.search(r'name="question" value="([^"]+)"[^§]*?class="asked">([^<]+)<', page)
        assert found is not None
        return found[1], found[2]

    first, words = asked(client.get(begun).text)
    page = sent(client, f"{begun}/answers", question=first, answer="unknown", back="#next")
    second, other = asked(page)
    assert (first, words) != (second, other)


def test_a_drug_that_began_raises_its_advice_and_can_be_stopped(client: httpx.Client, begun: str) -> None:
    page = sent(client, f"{begun}/visits", when="2026-11-01", started="vitamin-k-antagonist")
    assert "Done." in page
    plan = client.get(begun).text
    assert "Warfarin (any vitamin K antagonist) should probably be replaced" in plan
    key = re.search(r'name="stopped" value="([^"]+)"', page)
    assert key is not None
    sent(client, f"{begun}/visits", when="2026-11-20", stopped=key[1])
    assert "should probably be replaced" not in client.get(begun).text


def test_a_visit_is_kept_whole_or_not_at_all(client: httpx.Client, begun: str) -> None:
    answer = client.post(
        f"{begun}/visits",
        data={"csrf": secret(client), "when": "2026-11-21", "pain": "4", "length0": "5", "site0": "left thigh"},
    )
    assert answer.status_code == 400
    assert "A wound needs both its length and its width" in answer.text
    assert "2026-11-21" not in client.get(f"{begun}/record").text


def test_the_dose_of_four_short_sessions(client: httpx.Client) -> None:
    """From the reference simulations of the dosing documentation: 25 g four times a week lies above 25 g three times."""
    fields = {
        "weight": "70",
        "modality": "hemodialysis",
        "hours": "4",
        "dose": "25",
        "salt": "pentahydrate",
        "timing": "after",
    }
    four = sent(client, "/page/dose", sessions="4", **fields)
    three = sent(client, "/page/dose", sessions="3", **fields)
    assert "Sodium load" in four

    def weekly(page: str) -> float:
        found = re.search(r"Weekly AUC</th><td[^>]*>(\d+\.?\d*)", page)
        assert found is not None, page[:200]
        return float(found[1])

    assert weekly(four) > weekly(three)


def test_units_are_switched_everywhere(client: httpx.Client) -> None:
    page = sent(client, "/cases/example", example="thigh-ulcer-four-sessions")
    case = case_of(page)
    assert "total calcium 9.4 mg/dL" in page
    sent(client, "/page/units", units="si")
    try:
        for view in ("", "/summary", "/follow-up"):
            assert "mg/dL on" not in client.get(f"{case}{view}").text
        assert "total calcium 2.35 mmol/L" in client.get(case).text  # 9.4 x 0.2495
    finally:
        sent(client, "/page/units", units="us")


def test_a_case_that_is_deleted_is_gone(client: httpx.Client) -> None:
    case = case_of(sent(client, "/cases/example", example="follow-up-responding"))
    assert client.post(f"{case}/delete", data={"csrf": secret(client)}).status_code == 400
    assert "The case is deleted for good." in sent(client, f"{case}/delete", sure="yes")
    assert client.get(case).status_code == 404


def test_settings_of_the_page(tmp_path: Path) -> None:
    asked = {"host": "127.0.0.1", "port": 8080, "workers": 1, "site": "", "store": ""}
    here = read_settings("", **asked)  # type: ignore[arg-type]
    assert (here.page, here.page_accounts) == (True, False)
    file = tmp_path / "service.yaml"
    file.write_text("page: {accounts: true, photographs: pictures}\n")
    found = read_settings(str(file), **asked)  # type: ignore[arg-type]
    assert (found.page, found.page_accounts, found.photographs) == (True, True, "pictures")
    file.write_text("page: false\n")
    assert not read_settings(str(file), **asked).page  # type: ignore[arg-type]


def test_the_page_may_be_served_without_an_ehr(tmp_path: Path) -> None:
    """Beyond this machine: with accounts, an https address and a key; the services for an EHR then answer nobody."""
    file = tmp_path / "service.yaml"
    file.write_text("page: true\npublic_url: https://calcipath.example\ndigest_key_env: PAGE_KEY\n")
    asked = {"host": "0.0.0.0", "port": 8080, "workers": 1, "site": "", "store": ""}  # noqa: S104
    found = read_settings(str(file), **asked, environment={"PAGE_KEY": "k" * 32})  # type: ignore[arg-type]
    assert (found.page, found.page_accounts, found.open) == (True, True, False)
    file.write_text("public_url: https://calcipath.example\ndigest_key_env: PAGE_KEY\n")
    with pytest.raises(InputError, match="answers only clients that it knows"):
        read_settings(str(file), **asked, environment={"PAGE_KEY": "k" * 32})  # type: ignore[arg-type]
