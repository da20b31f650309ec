"""Records from files, good and bad: read whole, or refused in one sentence that names the place and no patient data."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import calcipath
from calcipath.errors import InputError
from calcipath.sources import files
from calcipath.sources.files import read_path, source_of

SOURCE = str(Path(calcipath.__file__).parents[1])
CASES = Path(__file__).parents[1] / "data" / "cases"
CASE = CASES / "20-pd-acral-fingers-toes.bundle.json"
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "male"}
CONDITION = {
    "resourceType": "Condition",
    "id": "c",
    "subject": {"reference": "Patient/p"},
    "code": {"text": "Skin ulcer"},
}
WHOLE = json.loads(CASE.read_text(encoding="utf-8"))
SECRETS = ("Threadneedle", "Arabella", "MRN-4711-0815", "screamed at the nurse", "1931-02-03")


def write(path: Path, content: Any) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources], **more}


def kinds(path: Path | str) -> list[str]:
    return [raw.resource["resourceType"] for raw in read_path(str(path)).resources]


def assess(path: Any, *options: str, stdin: bytes = b"", limit: int = 0) -> subprocess.CompletedProcess[bytes]:
    def bounded() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    environment = {k: v for k, v in os.environ.items() if k != "CALCIPATH_DEBUG"} | {"PYTHONPATH": SOURCE}
    command = [sys.executable, "-m", "calcipath", "assess", str(path), *options]
    return subprocess.run(
        command, input=stdin, capture_output=True, env=environment, timeout=120, check=False, preexec_fn=bounded
    )


def refused(result: subprocess.CompletedProcess[bytes]) -> str:
    told = result.stderr.decode("utf-8")
    assert (result.returncode, result.stdout) == (2, b""), told
    assert told.startswith("calcipath: ")
    assert told.count("\n") == 1
    assert "Traceback" not in told
    assert len(told) < 500
    return told


# --- files that are read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "batch", "document", "message", "history"])
def test_a_bundle_of_any_type(tmp_path: Path, kind: str) -> None:
    assert kinds(write(tmp_path / "r.json", bundle(PATIENT, CONDITION, type=kind))) == ["Patient", "Condition"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("r.json", bytes), ("r", bytes), ("r.json", gzip.compress), ("r.json.gz", gzip.compress), ("r", gzip.compress)],
)
def test_plain_and_zipped_by_content_or_name(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    data = json.dumps(bundle(PATIENT, CONDITION)).encode()
    assert kinds(write(tmp_path / name, pack(data))) == ["Patient", "Condition"]


@pytest.mark.parametrize("name", ["r.ndjson", "r.json", "r.jsonl", "r"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no-bom", "bom"])
def test_ndjson(tmp_path: Path, name: str, end: bytes, mark: bytes) -> None:
    data = mark + end.join(json.dumps(r).encode() for r in (PATIENT, CONDITION)) + end
    assert kinds(write(tmp_path / name, data)) == ["Patient", "Condition"]


def test_a_folder_with_empty_search_results(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    write(tmp_path / "a.json", PATIENT)
    write(tmp_path / "more" / "b.ndjson", json.dumps(CONDITION).encode())
    write(tmp_path / "c.json", {"resourceType": "Bundle", "type": "searchset", "total": 0})
    write(tmp_path / "notes.txt", b"not read")
    assert kinds(tmp_path) == ["Patient", "Condition"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(bundle(PATIENT, CONDITION)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert kinds("-") == ["Patient", "Condition"]
    assert assess("-", "--format", "json", stdin=CASE.read_bytes()).returncode == 0


def test_bundles_of_a_batch_of_searches(tmp_path: Path) -> None:
    answer = bundle(bundle(PATIENT), bundle(CONDITION), {"resourceType": "Bundle", "total": 0}, type="batch-response")
    assert kinds(write(tmp_path / "r.json", answer)) == ["Patient", "Condition"]


def test_what_was_deleted_does_not_return_from_its_history(tmp_path: Path) -> None:
    gone = {"request": {"method": "DELETE", "url": "Condition/c"}}
    history = {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [gone, {"resource": CONDITION}, {"resource": PATIENT}],
    }
    assert kinds(write(tmp_path / "r.json", history)) == ["Patient"]
    history["entry"] = [{"resource": CONDITION}, gone, {"resource": PATIENT}]  # made again since
    assert kinds(write(tmp_path / "r.json", history)) == ["Condition", "Patient"]


def test_one_patient_is_chosen_from_many(tmp_path: Path) -> None:
    mine = [
        {**CONDITION, "id": str(n), "subject": {"reference": r}}
        for n, r in enumerate(["Patient/p", "urn:uuid:p", "https://x/Patient/p/_history/2"])
    ]
    other = [{"resourceType": "Patient", "id": "pp"}, {**CONDITION, "id": "o", "subject": {"reference": "Patient/pp"}}]
    path = write(tmp_path / "r.json", bundle(PATIENT, *mine, *other))
    chosen = read_path(str(path), patient="p").resources
    assert [raw.resource["id"] for raw in chosen] == ["p", "0", "1", "2"]


# --- files that are refused --------------------------------------------------------------------------------------------

BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "spaces": (b" \n\t ", "empty"),
    "truncated": (CASE.read_bytes()[:5000], "not JSON"),
    "no JSON": (b"Dear colleague, thank you", "not JSON"),
    "xml": (b"<Bundle xmlns='http://hl7.org/fhir'/>", "not JSON"),
    "binary": (bytes(range(256)) * 4, "not JSON"),
    "utf-16": (json.dumps(PATIENT).encode("utf-16"), "not JSON"),
    "latin-1": (b'{"resourceType": "Patient", "name": "M\xfcller"}', "not JSON"),
    "NaN": (b'{"resourceType": "Observation", "valueQuantity": {"value": NaN}}', "not JSON"),
    "a lone surrogate": (b'{"resourceType": "Patient", "id": "\\ud800"}', "not JSON"),
    "trailing": (b'{"resourceType": "Patient"} {"x": 1}', "not JSON"),
    "a list": (b"[]", "a list"),
    "a number": (b"17", "a number"),
    "null": (b"null", "null"),
    "a text": (b'"Bundle"', "a text"),
    "no bundle": (b'{"entries": []}', "resourceType"),
    "resourceType of wrong type": (b'{"resourceType": ["Bundle"]}', "resourceType"),
    "no entries": (b'{"resourceType": "Bundle", "type": "collection"}', "no entries"),
    "empty entries": (b'{"resourceType": "Bundle", "entry": []}', "no entries"),
    "entry of wrong type": (b'{"resourceType": "Bundle", "entry": {"0": {}}}', "entry must be a list"),
    "10,000 deep": (b'{"resourceType": "Patient", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deeply"),
    "10,000 deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
    "10,000 deep, truncated": (b"[" * 10_000, "nested too deeply"),
    "two patients": (json.dumps(bundle(PATIENT, {**PATIENT, "id": "q"})).encode(), "2 patients"),
    "another's entry": (json.dumps(bundle(PATIENT, {**CONDITION, "subject": {"reference": "Patient/q"}})).encode(), "about"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input_by_the_command_line_is_status_2_and_one_line(tmp_path: Path, what: str) -> None:
    data, word = BAD[what]
    for options in ((), ("--format", "json"))[: 2 if what == "truncated" else 1]:
        told = refused(assess(write(tmp_path / "record.json", data), *options))
        assert word in told


def test_bad_lines_of_ndjson_name_their_line(tmp_path: Path) -> None:
    data = json.dumps(PATIENT).encode() + b"\n" + b'{"resourceType": "Cond\n'
    assert "line 2" in refused(assess(write(tmp_path / "r.ndjson", data)))


def test_broken_gzip_missing_paths_and_empty_folders(tmp_path: Path) -> None:
    whole = gzip.compress(CASE.read_bytes())
    assert "gzip" in refused(assess(write(tmp_path / "cut.json.gz", whole[:500])))
    assert "gzip" in refused(assess(write(tmp_path / "plain.json.gz", CASE.read_bytes())))
    assert "gzip" in refused(assess(write(tmp_path / "changed.json.gz", whole[:400] + b"\x00\xff" * 20 + whole[440:])))
    refused(assess(tmp_path / "none.json"))
    (tmp_path / "empty").mkdir()
    refused(assess(tmp_path / "empty"))
    refused(assess("-", stdin=b""))


def test_a_bundle_in_a_bundle_a_hundred_deep_is_no_crash(tmp_path: Path) -> None:
    inner: dict[str, Any] = bundle(PATIENT)
    for _ in range(100):
        inner = bundle(inner)
    result = assess(write(tmp_path / "r.json", inner), "--format", "json")
    assert result.returncode == 0
    assert "unreadable" in {p["problem"] for p in json.loads(result.stdout)["data_problems"]}
    assert len(source_of([inner]).resources) == 1


def test_bad_entries_among_good_ones_are_listed_not_lost(tmp_path: Path) -> None:
    broken = [None, 7, {"resourceType": 5}, {"id": "x"}, {**CONDITION, "id": "empty", "code": None},
              {"resourceType": "MedicationRequest", "id": "r5", "status": "active", "subject": {"reference": "Patient/p"},
               "medication": {"concept": {"text": "Warfarin"}}}]  # fmt: skip
    result = assess(write(tmp_path / "r.json", bundle(PATIENT, CONDITION, *broken)), "--format", "json")
    assert (result.returncode, result.stderr) == (0, b"")
    named = {problem["reference"] for problem in json.loads(result.stdout)["data_problems"]}
    assert {"entry[2]", "entry[3]", "entry[4]", "entry[5]", "Condition/empty", "MedicationRequest/r5"} <= named


# --- limits ------------------------------------------------------------------------------------------------------------


def test_a_million_entries_are_refused_at_the_stated_limit_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    one = b'{"resource":{"resourceType":"Observation","id":"%d"}}'
    with path.open("wb") as stream:
        stream.write(b'{"resourceType":"Bundle","entry":[')
        for start in range(0, 1_000_000, 50_000):
            stream.write((b"," if start else b"") + b",".join(one % n for n in range(start, start + 50_000)))
        stream.write(b"]}")
    assert f"{files.MOST_ENTRIES:,}" in refused(assess(path, limit=600 * 2**20))


def test_a_million_lines_are_refused_at_the_stated_limit(tmp_path: Path) -> None:
    line = b'{"resourceType":"Basic"}\n'
    assert f"{files.MOST_ENTRIES:,}" in refused(
        assess(write(tmp_path / "r.ndjson", line * 1_000_000), limit=1500 * 2**20)
    )


@pytest.mark.parametrize("part", [b"{},", b"[],", b"1,", b'{"a":{}},'])
def test_json_that_would_swell_is_refused_before_it_is_parsed(tmp_path: Path, part: bytes) -> None:
    data = b'{"resourceType":"Bundle","entry":[' + part * (files.MOST_VALUES + 1) + b"1]}"
    assert f"{files.MOST_VALUES:,}" in refused(assess(write(tmp_path / "r.json", data), limit=900 * 2**20))


def test_sizes_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 2**20)
    zipped = write(tmp_path / "bomb.json.gz", gzip.compress(b" " * 2**22))
    for path in (str(write(tmp_path / "large.json", b" " * (2**20 + 1))), str(zipped), "/dev/zero"):
        with pytest.raises(InputError, match="larger than 1 MiB"):
            read_path(path)
    monkeypatch.setattr(files, "MOST_ENTRIES", 3)
    many = [{**CONDITION, "id": str(n)} for n in range(4)]
    for path in (
        write(tmp_path / "b.json", bundle(*many)),
        write(tmp_path / "n.ndjson", b"\n".join(json.dumps(m).encode() for m in many)),
    ):
        with pytest.raises(InputError, match="more than 3 resources"):
            read_path(str(path))
    with pytest.raises(InputError, match="more than 3 resources"):
        source_of(many)


# --- confidentiality ---------------------------------------------------------------------------------------------------


def secret_patient() -> dict[str, Any]:
    family, given, number, _, born = SECRETS
    return {
        **PATIENT,
        "name": [{"family": family, "given": [given]}],
        "identifier": [{"system": "urn:mrn", "value": number}],
        "birthDate": born,
    }


def secret_note() -> dict[str, Any]:
    return {**CONDITION, "note": [{"text": f"{SECRETS[1]} {SECRETS[0]} {SECRETS[3]}"}]}


def damaged() -> dict[str, bytes]:
    record = bundle(secret_patient(), secret_note())
    text = json.dumps(record)
    stranger = {**secret_note(), "subject": {"reference": "Patient/q", "display": SECRETS[0]}}
    logical = {**secret_note(), "subject": {"identifier": {"system": "urn:mrn", "value": SECRETS[2] + "-9"}}}
    return {
        "truncated": text[:-20].encode(),
        "broken in the name": text.replace("Arabella", 'Arabella" x').encode(),
        "two patients": json.dumps(bundle(secret_patient(), {**secret_patient(), "id": "q"})).encode(),
        "another's": json.dumps(bundle(secret_patient(), stranger)).encode(),
        "another's number": json.dumps(bundle(secret_patient(), logical)).encode(),
        "conditional": json.dumps(
            bundle(
                secret_patient(), {**CONDITION, "subject": {"reference": f"Patient?identifier=urn:mrn|{SECRETS[2]}-9"}}
            )
        ).encode(),
        "entry": json.dumps({"resourceType": "Bundle", "entry": {SECRETS[0]: secret_patient()}}).encode(),
        "no bundle": json.dumps({SECRETS[0]: secret_note()}).encode(),
        "a text": json.dumps(" ".join(SECRETS)).encode(),
        "prose": " ".join(SECRETS).encode(),
        "latin-1": text.replace("Arabella", "Arabella \xfc").encode("latin-1"),
        "resource type": json.dumps({"resourceType": [SECRETS[0]]}).encode(),
        "ndjson": json.dumps(secret_patient()).encode() + b"\n" + json.dumps(secret_note()).encode()[:-9],
    }


@pytest.mark.parametrize("what", damaged())
def test_error_messages_hold_no_name_number_birthday_or_note(tmp_path: Path, what: str) -> None:
    told = refused(assess(write(tmp_path / "record.json", damaged()[what])))
    assert not [secret for secret in SECRETS if secret.lower() in told.lower()], told


def test_an_error_of_the_program_itself_shows_no_patient_data(tmp_path: Path) -> None:
    code = (
        "import sys, calcipath.api as api, calcipath.cli as cli\n"
        "def fail(*_): raise ValueError(open(sys.argv[1]).read())\n"
        "api.assess_path = fail\n"
        "sys.exit(cli.main(['assess', sys.argv[1]]))\n"
    )
    path = write(tmp_path / "record.json", bundle(secret_patient(), secret_note()))
    environment = {k: v for k, v in os.environ.items() if k != "CALCIPATH_DEBUG"} | {"PYTHONPATH": SOURCE}
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, env=environment, timeout=60, check=False
    )
    told = result.stderr.decode()
    assert (result.returncode, result.stdout, told.count("\n")) == (1, b"", 1)
    assert not [secret for secret in SECRETS if secret in told]
