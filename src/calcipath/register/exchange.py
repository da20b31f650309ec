"""Export and import: a case as a FHIR collection bundle, and back without loss.

A `Basic` resource carries label, settings and what is known of each photograph, in extensions that any FHIR reader accepts
and may pass over; each photograph is a `Binary`. Entries have no `fullUrl`: their references are `Type/id` within the bundle.
Neither the pseudonym nor the shift of dates leaves the register, nor who wrote what when.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from calcipath.errors import InputError
from calcipath.register.access import Case, reached
from calcipath.register.accounts import Account, fresh
from calcipath.register.cases import make_case
from calcipath.register.entries import CASE_SYSTEM, current, is_case, prepared
from calcipath.register.ground import Ground
from calcipath.register.photographs import Photograph, bytes_of, checked_words, photograph_row, photographs_of
from calcipath.register.picture_files import new_file, remove_files
from calcipath.register.pictures import Picture, picture_of
from calcipath.register.refusals import NotAllowed
from calcipath.store.failures import StoreError
from calcipath.store.tables import case_photographs

LABEL = "urn:calcipath:case-label"
SETTINGS = "urn:calcipath:case-settings"
PHOTOGRAPH = "urn:calcipath:photograph"
_WORDS = ("taken", "site", "consent")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Brought:
    """A photograph of a bundle that is brought in."""

    id: str
    said: dict[str, str]
    picture: Picture


class Exchange:
    """Cases out of the register and into it."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def export(self, account: Account, handle: str) -> Json:
        """The bundle of a case: its resources that stand, and its photographs. Noted in the audit."""
        with self._ground.store.read() as connection:
            case = reached(connection, account, handle, "read")
            texts = current(connection, case.handle)
            photographs = sorted(photographs_of(connection, case.handle), key=lambda each: each.id)
        pictures = [_binary(each, bytes_of(self._ground, each)) for each in photographs]
        resources = [_basic(case, photographs), *(json.loads(text) for text in texts.values()), *pictures]
        content = (case.label, *texts.values(), *(each.sha256 for each in photographs))
        self._ground.noted("case-exported", account.name, case.handle, content=content)
        entries = [{"resource": resource} for resource in resources]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    def import_(self, account: Account, bundle: Mapping[str, Any]) -> Case:
        """A new case of this account from a bundle that `export` made; all of it or nothing.

        Raises `InputError` for a bundle that is no exported case, `NotAllowed` for a reader.
        """
        basic, others = _parted(bundle)
        label, settings, known = _said(basic)
        binaries = {each.get("id"): each for each in others if each.get("resourceType") == "Binary"}
        ours = [binaries[identifier] for identifier in known if identifier in binaries]
        items = prepared(each for each in others if not any(each is binary for binary in ours))
        with self._ground.store.read() as connection:
            if not fresh(connection, account).may_write:
                raise NotAllowed("a reader has no cases of its own")
        brought = [_brought(identifier, said, binaries.get(identifier)) for identifier, said in known.items()]
        files: list[str] = []
        try:
            files.extend(new_file(self._ground.folder, each.picture.data) for each in brought)
            with self._ground.store.write() as writing:
                case = make_case(self._ground, writing, account, label, items, settings, "case-imported")
                for each, file in zip(brought, files, strict=True):
                    row = photograph_row(each.id, file, each.picture, each.said)
                    own = {"handle": case.handle, "account": account.id, "at": self._ground.now()}
                    writing.connection.execute(insert(case_photographs).values(**row, **own))
        except StoreError:
            raise  # it may be kept or not: the files stay, and orphans are swept
        except BaseException:
            remove_files(self._ground.folder, files)
            raise
        return case


def is_exported_case(bundle: Mapping[str, Any]) -> bool:
    """Whether a bundle is a case that `export` made."""
    entries = bundle.get("entry")
    return isinstance(entries, list) and any(_is_basic(_resource(entry)) for entry in entries)


def settings_of(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in the bundle of an exported case. Raises `InputError`."""
    return _said(_parted(bundle)[0])[1]


def _basic(case: Case, photographs: Iterable[Photograph]) -> Json:
    said = [{"url": LABEL, "valueString": case.label}]
    if case.settings:
        said.append({"url": SETTINGS, "valueString": json.dumps(case.settings, sort_keys=True)})
    return {
        "resourceType": "Basic",
        "id": "calcipath-case",
        "extension": [*said, *(_extension(each) for each in photographs)],
        "code": {"coding": [{"system": CASE_SYSTEM, "code": "case"}], "text": "A case of calcipath's register"},
    }


def _extension(photograph: Photograph) -> Json:
    words = {"id": photograph.id, **{name: getattr(photograph, name) for name in _WORDS}}
    parts = [{"url": name, "valueString": word} for name, word in words.items() if word]
    return {"url": PHOTOGRAPH, "extension": parts}


def _binary(photograph: Photograph, data: bytes) -> Json:
    return {
        "resourceType": "Binary",
        "id": photograph.id,
        "contentType": photograph.media_type,
        "data": base64.b64encode(data).decode(),
    }


def _parted(bundle: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The resource that carries the case, and all others."""
    entries = bundle.get("entry")
    resources = [_resource(entry) for entry in entries] if isinstance(entries, list) else []
    cases = [each for each in resources if _is_basic(each)]
    if len(cases) != 1:
        raise InputError("this bundle is no exported case: it can be uploaded as a record")
    return cases[0], [each for each in resources if each is not cases[0]]


def _resource(entry: Any) -> Mapping[str, Any]:
    resource = entry.get("resource") if isinstance(entry, Mapping) else None
    return resource if isinstance(resource, Mapping) else {}


def _is_basic(resource: Mapping[str, Any]) -> bool:
    return resource.get("resourceType") == "Basic" and is_case(resource)


def _said(basic: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, dict[str, str]]]:
    """Label, settings, and the words of each photograph by its id."""
    label, settings, photographs = "", {}, {}
    for extension in _extensions(basic):
        url, value = extension.get("url"), extension.get("valueString")
        if url == LABEL and isinstance(value, str):
            label = value
        elif url == SETTINGS and isinstance(value, str):
            settings = _settings(value)
        elif url == PHOTOGRAPH:
            words = {str(part.get("url")): str(part.get("valueString") or "") for part in _extensions(extension)}
            photographs[words.get("id", "")] = {name: words.get(name, "") for name in _WORDS}
    return label, settings, photographs


def _extensions(held: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = held.get("extension")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _settings(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError("the settings of the exported case cannot be read")
    return found


def _brought(identifier: str, said: Mapping[str, str], binary: Mapping[str, Any] | None) -> _Brought:
    data = binary.get("data") if binary is not None else None
    if not isinstance(data, str):
        raise InputError("a photograph of the exported case is missing from the bundle")
    if not identifier.isascii() or not identifier.isalnum() or len(identifier) > 64:
        raise InputError("a photograph of the exported case has no id that can be used")
    try:
        found = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise InputError("a photograph of the exported case cannot be read: it is not base64") from None
    return _Brought(identifier, checked_words(**said), picture_of(found))
