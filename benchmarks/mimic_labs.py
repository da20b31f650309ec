"""Join the laboratory values of the MIMIC-IV demo in MEDS to its FHIR form, which lacks them.

    .venv/bin/python benchmarks/mimic_labs.py FHIR_FOLDER MEDS_FILE OUT_FOLDER

`FHIR_FOLDER` holds the `*.ndjson.gz` of MIMIC-IV Clinical Database Demo on FHIR 2.1.0 (PhysioNet, ODbL 1.0), `MEDS_FILE` is
the Parquet file of the demo in MEDS 0.0.1. `OUT_FOLDER` gets links to the FHIR files and one file of Observations. None of
the data is part of this project. `mimic-lab-items.csv` says which laboratory item is which LOINC code, as in
mimic-iv/concepts/concept_map/d_labitems_to_loinc.csv of the MIT Laboratory for Computational Physiology's mimic-code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duckdb

ITEMS = Path(__file__).parent / "mimic-lab-items.csv"
QUERY = """
COPY (
  WITH patient AS (
    SELECT id, json_extract_string(identifier, '$[0].value') AS subject
    FROM read_json('{patients}', format='newline_delimited', columns={{'id': 'VARCHAR', 'identifier': 'JSON'}})
  ), lab AS (
    SELECT subject_id, time, split_part(code, '//', 2) AS item, split_part(code, '//', 3) AS unit, value,
      row_number() OVER (ORDER BY subject_id, time, code, value) AS number
    FROM read_parquet('{meds}') WHERE code LIKE 'LAB//%' AND value IS NOT NULL
  )
  SELECT 'Observation' AS "resourceType", 'meds-' || number AS id, 'final' AS status,
    {{'coding': [{{'system': 'http://loinc.org', 'code': i.loinc, 'display': i.label}}], 'text': i.label}} AS code,
    {{'reference': 'Patient/' || p.id}} AS subject,
    strftime(time, '%Y-%m-%dT%H:%M:%SZ') AS "effectiveDateTime",
    {{'value': round(CAST(value AS DOUBLE), 4), 'unit': nullif(unit, 'UNK')}} AS "valueQuantity"
  FROM lab JOIN patient p ON p.subject = CAST(subject_id AS VARCHAR)
  JOIN read_csv('{items}', types={{'itemid': 'VARCHAR'}}) i ON i.itemid = item
) TO '{out}' (FORMAT json)
"""


def main() -> int:
    """Write the folder and tell how many values were joined."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("fhir", "meds", "out"):
        parser.add_argument(name, type=Path)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for file in sorted(chosen.fhir.glob("*.ndjson.gz")):
        link = chosen.out / file.name
        link.unlink(missing_ok=True)
        link.symlink_to(file.resolve())
    out = chosen.out / "ObservationLabs.ndjson"
    patients = chosen.fhir / "MimicPatient.ndjson.gz"
    with duckdb.connect(":memory:") as connection:
        connection.execute(QUERY.format(patients=patients, meds=chosen.meds, items=ITEMS, out=out)).fetchall()
    with out.open(encoding="utf-8") as lines:
        print(f"{sum(1 for _ in lines):,} laboratory values in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
