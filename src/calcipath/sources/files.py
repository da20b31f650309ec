"""Records from files: a bundle, a folder, or NDJSON, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from calcipath.errors import InputError
from calcipath.record.fhir.raw import RawResource

MOST_ENTRIES = 200_000
MOST_BYTES = 512 * 1024 * 1024
MOST_VALUES = 15_000_000  # JSON values in one file: about two gigabytes when parsed
MOST_VALUES_SENT = 3_000_000  # of a file that is sent to the page: others use the same memory
MOST_UNZIPPED = 64 * 1024 * 1024  # of a file that is sent to the page
MOST_BUNDLES_DEEP = 5  # a bundle in a bundle (batch of searches) is real; more is not
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
        name = "standard input"
        found = _of_bytes(sys.stdin.buffer.read(MOST_BYTES + 1), name, one_patient=not patient)
    else:
        name = path
        place = Path(path)
        if not place.exists():
            raise InputError(f"there is no file or folder {path}")
        found = (raw for file in _files_of(place) for raw in _of_file(file, one_patient=not patient))
    first = next(found, None)
    if first is None:
        raise InputError(f"{name} holds no resources: the Bundle has no entries")
    resources = tuple(_limited(_chosen(chain((first,), found), patient), name))
    if resources and all(isinstance(raw.resource, Mapping) and "resourceType" not in raw.resource for raw in resources):
        raise InputError(f"{name} holds JSON, but no FHIR resources (resourceType is missing)")
    return Source(resources)


def read_upload(data: bytes) -> tuple[RawResource, ...]:
    """The resources of a file that was sent: a bundle or NDJSON of one patient, plain or gzipped. Its name is not used.

    Raises `InputError` with one sentence.
    """
    name = "the file"
    if data[:4] == b"PK\x03\x04":
        raise InputError("the file is a zip archive: unpack it, and choose the FHIR file in it")
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as unzipped:
                data = unzipped.read(MOST_UNZIPPED + 1)
        except (OSError, EOFError, zlib.error):
            raise InputError("the file is not a whole gzip file") from None
        if len(data) > MOST_UNZIPPED:
            raise InputError(f"the file unzips to more than {MOST_UNZIPPED // 2**20} MiB, the limit for what is sent")
    _refuse_too_many(data, name, MOST_VALUES_SENT)
    found = tuple(_limited(_of_bytes(data, name, one_patient=True), name))
    if not found:
        raise InputError("the file holds no resources: the Bundle has no entries")
    return found


def sent_json(data: bytes) -> Any:
    """The JSON of a file that was sent, within the limits of `read_upload`. Raises `InputError`."""
    _refuse_too_many(data, "the file", MOST_VALUES_SENT)
    return _parsed(data.removeprefix(b"\xef\xbb\xbf"), "the file")


def source_of(resources: Sequence[Mapping[str, Any]]) -> Source:
    """A source from resources in memory; bundles among them are opened."""
    found = (raw for number, resource in enumerate(resources) for raw in _opened(resource, f"resource {number + 1}"))
    return Source(tuple(_limited(found, "the record")))


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
            raise _too_many(path)
        yield raw


def _of_file(file: Path, *, one_patient: bool) -> Iterator[RawResource]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _too_large(str(file))
        data = _content(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from None
    yield from _of_bytes(data, str(file), one_patient=one_patient)


def _content(file: Path) -> bytes:
    """The bytes of a file, unzipped, and no more of them than one over the limit: a device or a zip bomb never ends."""
    with file.open("rb") as stream:
        if not file.name.lower().endswith(".gz") and stream.peek(2)[:2] != b"\x1f\x8b":
            return stream.read(MOST_BYTES + 1)
        try:
            with gzip.open(stream) as unzipped:
                return unzipped.read(MOST_BYTES + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise InputError(f"{file} is not a whole gzip file") from None


def _too_large(name: str) -> InputError:
    return InputError(f"{name} is larger than {MOST_BYTES // 2**20} MiB, the limit for one patient's record")


def _of_bytes(data: bytes, name: str, *, one_patient: bool) -> Iterator[RawResource]:
    """The resources of a file. Of NDJSON with many patients only the chosen one's lines stay, so it may be longer."""
    if len(data) > MOST_BYTES:
        raise _too_large(name)
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise InputError(f"{name} is empty")
    first, _, rest = data.lstrip().partition(b"\n")
    by_line = name.lower().endswith((".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz"))
    by_line = by_line or (rest.lstrip()[:1] == b"{" and _is_object(first))
    if one_patient or not by_line:
        _refuse_too_many(data, name)
    if by_line:
        return _of_lines(data, name)
    return iter(_opened(_parsed(data, name), name))


def _refuse_too_many(data: bytes, name: str, most_values: int = MOST_VALUES) -> None:
    """Counts before parsing, because parsed JSON takes up to thirty times its size."""
    if data.count(b'"resource"') > MOST_ENTRIES:
        raise _too_many(name)
    if data.count(b",") + data.count(b"{") + data.count(b"[") > most_values:
        raise InputError(f"{name} holds more than {most_values:,} JSON values, the limit for one patient's record")


def _too_many(name: str) -> InputError:
    return InputError(f"{name} holds more than {MOST_ENTRIES:,} resources, the limit for one patient's record")


def _is_object(line: bytes) -> bool:
    line = line.strip()
    return line.startswith(b"{") and line.endswith(b"}")


def _of_lines(data: bytes, name: str) -> Iterator[RawResource]:
    """The resources of NDJSON. An object that is no resource (the log of an export) is left to the reader to list."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        parsed = _parsed(line, place)
        if isinstance(parsed, Mapping) and "resourceType" not in parsed:
            yield RawResource(parsed, "", place)
        else:
            yield from _opened(parsed, place)


def _parsed(data: bytes, place: str) -> Any:
    import orjson

    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        reason = str(error).split(": line")[0]
        if "recursion" in reason.lower() or "depth" in reason.lower():
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
    if entries is not None and not isinstance(entries, list):
        raise InputError(f"{place}: Bundle.entry must be a list, this is {_kind(entries)}")
    return _entries(resource, "", 0)


def _entries(bundle: Mapping[str, Any], place: str, depth: int) -> list[RawResource]:
    """The entries of a bundle. Of a history, newest first, the newest versions: what was deleted does not return."""
    entries = bundle.get("entry")
    if entries is None:
        return []
    if not isinstance(entries, list) or depth > MOST_BUNDLES_DEEP:
        return [RawResource(None, "", place)]
    if len(entries) > MOST_ENTRIES:
        raise InputError(f"the Bundle has {len(entries):,} entries, the limit is {MOST_ENTRIES:,}")
    found: list[RawResource] = []
    over: set[str] = set()  # later versions of these have been seen
    for number, entry in enumerate(entries):
        inner = f"{place}.entry[{number}]" if place else f"entry[{number}]"
        if not isinstance(entry, Mapping):
            found.append(RawResource(entry, "", inner))
            continue
        gone = _deleted(entry)
        opened = [raw for raw in _of_entry(entry, inner, depth) if not gone and _address(raw.resource) not in over]
        if bundle.get("type") == "history":
            over |= {gone, *(_address(raw.resource) for raw in opened)} - {""}
        found += opened
    return found


def _deleted(entry: Mapping[str, Any]) -> str:
    """What an entry deletes, as `Type/id`; empty when it does not."""
    request = entry.get("request")
    if not isinstance(request, Mapping) or request.get("method") != "DELETE":
        return ""
    url = request.get("url")
    return "/".join(url.rsplit("/", 2)[-2:]) if isinstance(url, str) and url else "?"


def _address(resource: Any) -> str:
    """`Type/id`; empty when either is missing."""
    if not isinstance(resource, Mapping):
        return ""
    kind, identifier = resource.get("resourceType"), resource.get("id")
    return f"{kind}/{identifier}" if isinstance(kind, str) and isinstance(identifier, str) else ""


def _of_entry(entry: Mapping[str, Any], place: str, depth: int) -> list[RawResource]:
    resource = entry.get("resource")
    if resource is None:
        return [] if "response" in entry or "request" in entry else [RawResource(None, "", place)]
    full_url = entry.get("fullUrl")
    if isinstance(resource, Mapping) and resource.get("resourceType") == "Bundle":
        return _entries(resource, place, depth + 1)
    return [RawResource(resource, full_url if isinstance(full_url, str) else "", place)]


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}
    return names.get(type(value), "null" if value is None else "an object")


_SHARED = ("Medication", "Location", "Organization", "Practitioner")


def _chosen(resources: Iterable[RawResource], patient: str) -> Iterator[RawResource]:
    """Only what belongs to `patient`; resources that belong to nobody (Medication) are kept."""
    wanted = (f"Patient/{patient}", f"urn:uuid:{patient}")
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
        elif any(_refers(resource.get(key), wanted) for key in ("subject", "patient")):
            yield raw


def _refers(reference: Any, wanted: tuple[str, str]) -> bool:
    if not isinstance(reference, Mapping):
        return False
    written = reference.get("reference")
    plain = written.split("/_history/")[0] if isinstance(written, str) else ""
    return plain in wanted or plain.endswith(f"/{wanted[0]}")
