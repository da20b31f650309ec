"""Records from files: a bundle, a folder, or NDJSON, plain or gzipped."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calcipath.errors import InputError
from calcipath.record.raw import RawResource

MOST_ENTRIES = 200_000
MOST_BYTES = 512 * 1024 * 1024
_SUFFIXES = (".json", ".ndjson", ".json.gz", ".ndjson.gz", ".jsonl")


@dataclass(frozen=True, slots=True)
class Source:
    """Raw resources, and what the source was asked for in full."""

    resources: tuple[RawResource, ...]
    complete: frozenset[str] = frozenset()


def read_path(path: str, *, patient: str = "") -> Source:
    """Read a bundle (any type), a folder, an NDJSON file, or '-' for standard input.

    `patient` chooses one patient's resources by id. Raises `InputError` with one sentence that names the place.
    """
    if path == "-":
        return Source(tuple(_chosen(_of_bytes(sys.stdin.buffer.read(MOST_BYTES + 1), "standard input"), patient)))
    place = Path(path)
    if not place.exists():
        raise InputError(f"there is no file or folder {path}")
    files = _files_of(place)
    resources = _limited((raw for file in files for raw in _chosen(_of_file(file), patient)), path)
    return Source(tuple(resources))


def source_of(resources: Sequence[Mapping[str, Any]]) -> Source:
    """A source from resources in memory; bundles among them are opened."""
    found: list[RawResource] = []
    for number, resource in enumerate(resources):
        found.extend(_opened(resource, f"resource {number + 1}"))
    return Source(tuple(found))


def _files_of(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    files = sorted(f for f in place.rglob("*") if f.is_file() and f.name.lower().endswith(_SUFFIXES))
    if not files:
        raise InputError(f"the folder {place} holds no .json or .ndjson file")
    return files


def _limited(resources: Iterable[RawResource], path: str) -> Iterator[RawResource]:
    for number, raw in enumerate(resources):
        if number >= MOST_ENTRIES:
            raise InputError(f"{path} holds more than {MOST_ENTRIES:,} resources, the limit for one patient's record")
        yield raw


def _of_file(file: Path) -> Iterator[RawResource]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file} is larger than {MOST_BYTES // 2**20} MiB, the limit for one patient's record")
        data = _content(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from None
    yield from _of_bytes(data, str(file))


def _content(file: Path) -> bytes:
    if file.name.lower().endswith(".gz"):
        try:
            with gzip.open(file) as stream:
                return stream.read(MOST_BYTES + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise InputError(f"{file} is not a whole gzip file") from None
    return file.read_bytes()


def _of_bytes(data: bytes, name: str) -> Iterator[RawResource]:
    if len(data) > MOST_BYTES:
        raise InputError(f"{name} is larger than {MOST_BYTES // 2**20} MiB, the limit for one patient's record")
    if not data.strip():
        raise InputError(f"{name} is empty")
    first, _, rest = data.lstrip().partition(b"\n")
    if name.lower().endswith((".ndjson", ".jsonl", ".ndjson.gz")) or (rest.lstrip()[:1] == b"{" and _is_object(first)):
        return _of_lines(data, name)
    return iter(_opened(_parsed(data, name), name))


def _is_object(line: bytes) -> bool:
    line = line.strip()
    return line.startswith(b"{") and line.endswith(b"}")


def _of_lines(data: bytes, name: str) -> Iterator[RawResource]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield from _opened(_parsed(line, f"{name}, line {number}"), f"{name}, line {number}")


def _parsed(data: bytes, place: str) -> Any:
    import orjson

    try:
        return orjson.loads(data.lstrip(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        reason = str(error).split(": line")[0]
        if "recursion" in reason.lower():
            raise InputError(f"{place}: the JSON is nested too deeply to be a FHIR record") from None
        raise InputError(f"{place}: this is not JSON: {reason} at line {error.lineno}, column {error.colno}") from None


def _opened(resource: Any, place: str) -> list[RawResource]:
    """The resource itself, or the entries of a bundle."""
    if not isinstance(resource, Mapping):
        raise InputError(f"{place}: a FHIR resource is a JSON object, this is {_kind(resource)}")
    if resource.get("resourceType") != "Bundle":
        if not isinstance(resource.get("resourceType"), str):
            raise InputError(f"{place}: this is JSON, but no FHIR resource or Bundle (resourceType is missing)")
        return [RawResource(resource, "", place)]
    entries = resource.get("entry")
    if entries is None:
        raise InputError(f"{place}: the Bundle has no entries")
    if not isinstance(entries, list):
        raise InputError(f"{place}: Bundle.entry must be a list, this is {_kind(entries)}")
    if len(entries) > MOST_ENTRIES:
        raise InputError(f"{place}: the Bundle has {len(entries):,} entries, the limit is {MOST_ENTRIES:,}")
    return [raw for number, entry in enumerate(entries) for raw in _of_entry(entry, f"entry[{number}]")]


def _of_entry(entry: Any, place: str) -> list[RawResource]:
    if not isinstance(entry, Mapping):
        return [RawResource(entry, "", place)]
    request = entry.get("request")
    if isinstance(request, Mapping) and request.get("method") == "DELETE":
        return []
    resource = entry.get("resource")
    if resource is None:
        return [] if "response" in entry or "request" in entry else [RawResource(None, "", place)]
    full_url = entry.get("fullUrl")
    if isinstance(resource, Mapping) and resource.get("resourceType") == "Bundle":
        return _opened(resource, place)
    return [RawResource(resource, full_url if isinstance(full_url, str) else "", place)]


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}
    return names.get(type(value), "null" if value is None else "an object")


_SHARED = ("Medication", "Location", "Organization", "Practitioner")


def _chosen(resources: Iterable[RawResource], patient: str) -> Iterator[RawResource]:
    """Only what belongs to `patient`; resources that belong to nobody (Medication) are kept."""
    wanted = f"Patient/{patient}"
    for raw in resources:
        resource = raw.resource
        if not patient or not isinstance(resource, Mapping):
            yield raw
        elif resource.get("resourceType") == "Patient":
            if resource.get("id") == patient:
                yield raw
        elif resource.get("resourceType") in _SHARED:
            if resource.get("resourceType") == "Medication":
                yield raw
        elif any(
            isinstance(found := resource.get(key), Mapping) and str(found.get("reference", "")).endswith(wanted)
            for key in ("subject", "patient")
        ):
            yield raw
