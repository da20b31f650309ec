"""Mixes of drugs whose ingredients are Medication resources of their own: the parts are put into the mix.

There are few Medication resources beside the entries that refer to them, so this is done one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson

from calcipath.population.duckdb_engine import Database
from calcipath.record.fhir.medications import DEEPEST_MIX
from calcipath.record.fhir.references import reference_strings, type_and_id, without_version

Mix = dict[str, Any]
_MIXES = "SELECT id, target FROM target_medication WHERE contains(target, '\"itemReference\"')"


def embed_ingredients(database: Database) -> None:
    """Give every mix in the table `target_medication` its ingredients, as contained resources."""
    mixes = {str(name): orjson.loads(target) for name, target in database.run(_MIXES)}
    if not mixes:
        return
    known = _parts(database, mixes)
    embedded = {name: orjson.dumps(_embedded(mix, known)).decode() for name, mix in mixes.items()}
    columns = {"id": list(embedded), "target": list(embedded.values())}
    database.load("mix", {name: np.array(values, dtype=object) for name, values in columns.items()})
    database.run("UPDATE target_medication SET target = mix.target FROM mix WHERE target_medication.id = mix.id")


def _parts(database: Database, mixes: Mapping[str, Mix]) -> dict[str, Mix]:
    """Every Medication that the mixes are made of, down to the depth that is read."""
    known = dict(mixes)
    wanted = {part for mix in mixes.values() for part in _references(mix)} - known.keys()
    for _ in range(DEEPEST_MIX):
        if not wanted:
            break
        database.load("wanted", {"id": np.array(sorted(wanted), dtype=object)})
        found = database.run("SELECT id, target FROM target_medication WHERE id IN (SELECT id FROM wanted)")
        known |= {str(name): orjson.loads(target) for name, target in found}
        wanted = {part for name in wanted & known.keys() for part in _references(known[name])} - known.keys()
    return known


def _references(mix: Mix) -> Iterator[str]:
    for item in _ingredients(mix):
        for address in reference_strings(item.get("itemReference")):
            yield _name(address)


def _ingredients(mix: Mix) -> list[Mix]:
    held = mix.get("ingredient")
    return [item for item in held if type(item) is dict] if type(held) is list else []


def _name(address: str) -> str:
    return type_and_id(without_version(address)).rpartition("/")[2].rpartition(":")[2]


def _embedded(mix: Mix, known: Mapping[str, Mix]) -> Mix:
    """The mix with its parts and theirs in `contained`, under numbers: the same mix is the same content everywhere."""
    numbers: dict[str, str] = {}
    contained: list[Mix] = []

    def pointing(medication: Mix, depth: int) -> Mix:
        items = []
        for item in medication.get("ingredient") or ():
            address = next(iter(reference_strings(item.get("itemReference"))), "") if type(item) is dict else ""
            name = _name(address)
            if address and name in known and depth < DEEPEST_MIX:
                items.append({**item, "itemReference": {"reference": f"#{placed(name, depth)}"}})
            else:
                items.append(item)
        return {**medication, "ingredient": items} if items else medication

    def placed(name: str, depth: int) -> str:
        if name not in numbers:
            numbers[name] = f"part-{len(numbers) + 1}"
            contained.append({**pointing(known[name], depth + 1), "id": numbers[name]})
        return numbers[name]

    whole = pointing(mix, 0)
    return {**whole, "contained": contained}
