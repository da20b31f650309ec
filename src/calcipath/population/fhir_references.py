"""References of FHIR entries in SQL: whose id they name, and the specimens that are put into an entry's `contained`."""

from __future__ import annotations

from typing import Final

from calcipath.population.dialect import Dialect

MOST_SPECIMENS: Final = 6  # of one report or order that are read
_SPECIMEN: Final = '{"resourceType":"Specimen","id":"target'  # as targets begin


def identifier_of(reference: str, resource_type: str) -> str:
    """The id of a reference's target, however it is written: relative, absolute, with a version, as a urn."""
    bare = f"split_part(split_part({reference}, '#', 1), '/_history/', 1)"
    start = len(resource_type) + 2
    plain = f"{reference} LIKE '{resource_type}/%' AND NOT contains(substr({reference}, {start}), '/')"
    last = f"nullif(regexp_extract({bare}, '(?:^|/){resource_type}/([^/]+)$', 1), '')"
    return (
        f"CASE WHEN {plain} THEN split_part(substr({reference}, {start}), '#', 1) "
        f"WHEN {reference} LIKE 'urn:%' THEN regexp_extract({reference}, '([^:]+)$', 1) ELSE {last} END"
    )


def whole(member: str, dialect: Dialect) -> str:
    """The member as it stands, for a JSON object; null where it is absent."""
    return f"',\"{member}\":' || CAST({dialect.named(member)} AS {dialect.text})"


def specimens_sql(dialect: Dialect, *, several: bool) -> tuple[list[str], str, list[str]]:
    """Joins, the member `specimen`, and what of it is contained. More than `MOST_SPECIMENS` stay as they are.

    `several`: the type may have more than one. Reads `r_specimen`, the reference of the first.
    """
    joins = [f"LEFT JOIN target_specimen ts ON ts.id = {identifier_of('x.r_specimen', 'Specimen')}"]
    many = "coalesce(json_array_length(specimen), 0)"
    one = (
        f"WHEN {many} > 1 OR r_specimen LIKE '#%' THEN {whole('specimen', dialect)} "
        'WHEN ts.target IS NOT NULL THEN \',"specimen":[{"reference":"#target"}]\''
    )
    held = [f"CASE WHEN r_specimen NOT LIKE '#%' AND {many} < 2 THEN ts.target END"]
    if not several:
        return joins, f"CASE {one} END", held
    some, listed = f"{many} BETWEEN 2 AND {MOST_SPECIMENS}", []
    for place in range(MOST_SPECIMENS):
        reference = f"({dialect.words_at('x.specimen', f'$[{place}].reference')})"
        target = f"ts{place}.target"
        wanted = f"CASE WHEN {some} THEN {identifier_of(reference, 'Specimen')} END"
        joins.append(f"LEFT JOIN target_specimen ts{place} ON ts{place}.id = {wanted}")
        address = (
            f"CASE WHEN {reference} LIKE '#%' THEN {reference} WHEN {target} IS NULL THEN 'Specimen/missing' "
            f"ELSE '#target-{place}' END"
        )
        pointing = f"CAST(to_json({dialect.struct(reference=address)}) AS {dialect.text})"
        listed.append(f"CASE WHEN {many} > {place} THEN {pointing} END")
        held.append(f"'{_SPECIMEN}-{place}\"' || substr({target}, {len(_SPECIMEN) + 2})")
    marked = f"',\"specimen\":[' || concat_ws(',', {', '.join(listed)}) || ']'"
    return joins, f"CASE WHEN {some} THEN {marked} {one} END", held
