-- A phenotype written by hand, for comparison: who has kidney failure or recent dialysis, takes warfarin or has a skin ulcer,
-- with the newest value within a year of five laboratory tests, and a score. It knows one code system for each thing, one unit,
-- one way to name the patient, no versions, no doubt and no evidence. FOLDER and DAY are filled in by bench_population.py.
COPY (
  WITH who AS (
    SELECT id FROM read_json('FOLDER/Patient.*.ndjson', format='newline_delimited', ignore_errors=true, columns={id: 'VARCHAR'})
  ), diagnosis AS (
    SELECT substr(subject.reference, 9) AS id,
      bool_or(code.coding[1].code IN ('N18.6', 'N186', 'N18.5', 'N185', 'Z99.2', 'Z992')) AS kidney,
      bool_or(code.coding[1].code LIKE 'L97%' OR code.coding[1].code LIKE 'L98.4%') AS ulcer
    FROM read_json('FOLDER/Condition.*.ndjson', format='newline_delimited', ignore_errors=true, columns={
      subject: 'STRUCT(reference VARCHAR)', code: 'STRUCT(coding STRUCT(code VARCHAR)[])',
      "clinicalStatus": 'STRUCT(coding STRUCT(code VARCHAR)[])'})
    WHERE "clinicalStatus".coding[1].code = 'active' GROUP BY 1
  ), dialysis AS (
    SELECT substr(subject.reference, 9) AS id, true AS dialysed
    FROM read_json('FOLDER/Procedure.*.ndjson', format='newline_delimited', ignore_errors=true, columns={
      subject: 'STRUCT(reference VARCHAR)', code: 'STRUCT(coding STRUCT(code VARCHAR)[])',
      "performedPeriod": 'STRUCT(start VARCHAR)', "performedDateTime": 'VARCHAR'})
    WHERE code.coding[1].code IN ('302497006', '71192002', '265764009')
      AND coalesce("performedPeriod".start, "performedDateTime") > strftime(DATE 'DAY' - 90, '%Y-%m-%d')
    GROUP BY 1
  ), drug AS (
    SELECT substr(subject.reference, 9) AS id, true AS warfarin
    FROM read_json('FOLDER/MedicationRequest.*.ndjson', format='newline_delimited', ignore_errors=true, columns={
      subject: 'STRUCT(reference VARCHAR)', status: 'VARCHAR',
      "medicationCodeableConcept": 'STRUCT(coding STRUCT(code VARCHAR)[])'})
    WHERE status = 'active' AND "medicationCodeableConcept".coding[1].code IN ('11289', 'B01AA03', '855332', '855288')
    GROUP BY 1
  ), lab AS (
    SELECT substr(subject.reference, 9) AS id,
      max_by(v, t) FILTER (WHERE c = '2731-8') AS pth, max_by(v, t) FILTER (WHERE c = '17861-6') AS calcium,
      max_by(v, t) FILTER (WHERE c = '2777-1') AS phosphate, max_by(v, t) FILTER (WHERE c = '1751-7') AS albumin,
      max_by(v, t) FILTER (WHERE c = '2160-0') AS creatinine
    FROM (
      SELECT subject, code.coding[1].code AS c, "effectiveDateTime" AS t, "valueQuantity".value AS v
      FROM read_json('FOLDER/Observation.*.ndjson', format='newline_delimited', ignore_errors=true, columns={
        subject: 'STRUCT(reference VARCHAR)', code: 'STRUCT(coding STRUCT(code VARCHAR)[])',
        "effectiveDateTime": 'VARCHAR', "valueQuantity": 'STRUCT(value DOUBLE)'}))
    WHERE t > strftime(DATE 'DAY' - 365, '%Y-%m-%d') AND c IN ('2731-8', '17861-6', '2777-1', '1751-7', '2160-0')
    GROUP BY 1
  )
  SELECT who.id, kidney OR dialysed AS kidney_failure, warfarin, ulcer, pth, calcium, phosphate, albumin, creatinine,
    coalesce(CAST(kidney OR dialysed AS INT), 0) * 2 + coalesce(CAST(warfarin AS INT), 0) * 2
      + coalesce(CAST(ulcer AS INT), 0) * 3 + CAST(coalesce(phosphate > 5.5, false) AS INT)
      + CAST(coalesce(albumin < 3.5, false) AS INT) AS score
  FROM who LEFT JOIN diagnosis USING (id) LEFT JOIN dialysis USING (id) LEFT JOIN drug USING (id) LEFT JOIN lab USING (id)
) TO 'OUT' (FORMAT parquet)
