-- The whole work of `calcipath screen`, written by hand for DuckDB on typed columns: every fact that a code or a value can
-- tell, the newest of each within its window, with the entry that tells it; then the guideline's conditions (the compiled
-- text: nobody would write other ones), reasons and evidence, into the same two Parquet files.
-- What it does not do: names and free text, doubt and negation, several versions of an entry, damaged lines (they are
-- dropped in silence), other ways to name the patient, comparators, time since an entry, how often and how long, other
-- contents of `contained`, data quality. Capitals are filled in by bench_population.py; RULES holds what the guideline's
-- value sets and unit tables say, as two CSV files.
CREATE TABLE code_rule AS FROM read_csv('RULES/code.csv', all_varchar = true);
CREATE TABLE unit_rule AS FROM read_csv('RULES/unit.csv', types = {'fact': 'INT', 'factor': 'DOUBLE', 'shift': 'DOUBLE'});
CREATE TABLE fact_rule AS FROM read_csv('RULES/fact.csv', types = {'fact': 'INT', 'days': 'DOUBLE', 'word': 'INT', 'bit': 'BIGINT'});
CREATE TABLE patient AS
  SELECT CAST(row_number() OVER () AS INTEGER) AS patient, id, gender AS sex, "birthDate" AS birth_date,
    coalesce("managingOrganization".display, "managingOrganization".reference) AS site
  FROM (SELECT id, any_value(gender) AS gender, any_value("birthDate") AS "birthDate", any_value("managingOrganization") AS "managingOrganization"
    FROM read_json('FOLDER/Patient.*.ndjson', format = 'newline_delimited', ignore_errors = true, columns = {
      id: 'VARCHAR', gender: 'VARCHAR', "birthDate": 'VARCHAR', "managingOrganization": 'STRUCT(reference VARCHAR, display VARCHAR)'})
    GROUP BY id);
CREATE TABLE moment AS SELECT patient, epoch(TIMESTAMP 'DAY 23:59:59') AS as_of, false AS inpatient FROM patient;
CREATE TABLE said (patient VARCHAR, reference VARCHAR, coding STRUCT(system VARCHAR, code VARCHAR)[], dated VARCHAR, holds BOOLEAN,
  value DOUBLE, unit VARCHAR, low DOUBLE, high DOUBLE);
INSERT INTO said SELECT subject.reference, 'Condition/' || id, code.coding, coalesce("onsetDateTime", "recordedDate"),
    coalesce("clinicalStatus".coding[1].code, 'active') IN ('active', 'recurrence', 'relapse'), NULL, NULL, NULL, NULL
  FROM read_json('FOLDER/Condition.*.ndjson', format = 'newline_delimited', ignore_errors = true, columns = {
    id: 'VARCHAR', subject: 'STRUCT(reference VARCHAR)', code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    "clinicalStatus": 'STRUCT(coding STRUCT(code VARCHAR)[])', "verificationStatus": 'STRUCT(coding STRUCT(code VARCHAR)[])',
    "onsetDateTime": 'VARCHAR', "recordedDate": 'VARCHAR'})
  WHERE coalesce("verificationStatus".coding[1].code, '') NOT IN ('refuted', 'entered-in-error');
INSERT INTO said SELECT subject.reference, 'MedicationRequest/' || id, "medicationCodeableConcept".coding, "authoredOn", status = 'active',
    NULL, NULL, NULL, NULL
  FROM read_json('FOLDER/MedicationRequest.*.ndjson', format = 'newline_delimited', ignore_errors = true, columns = {
    id: 'VARCHAR', subject: 'STRUCT(reference VARCHAR)', status: 'VARCHAR', "authoredOn": 'VARCHAR',
    "medicationCodeableConcept": 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])'})
  WHERE status <> 'entered-in-error';
INSERT INTO said SELECT subject.reference, 'Procedure/' || id, code.coding, coalesce("performedPeriod".start, "performedDateTime"), true,
    NULL, NULL, NULL, NULL
  FROM read_json('FOLDER/Procedure.*.ndjson', format = 'newline_delimited', ignore_errors = true, columns = {
    id: 'VARCHAR', subject: 'STRUCT(reference VARCHAR)', status: 'VARCHAR', code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    "performedPeriod": 'STRUCT(start VARCHAR)', "performedDateTime": 'VARCHAR'})
  WHERE status NOT IN ('entered-in-error', 'not-done');
INSERT INTO said SELECT patient.reference, 'AllergyIntolerance/' || id, code.coding, "recordedDate", true, NULL, NULL, NULL, NULL
  FROM read_json('FOLDER/AllergyIntolerance.*.ndjson', format = 'newline_delimited', ignore_errors = true, columns = {
    id: 'VARCHAR', patient: 'STRUCT(reference VARCHAR)', code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])', "recordedDate": 'VARCHAR'});
INSERT INTO said SELECT subject.reference, 'Observation/' || id, code.coding, "effectiveDateTime", true,
    "valueQuantity".value, coalesce("valueQuantity".code, "valueQuantity".unit), "referenceRange"[1].low.value, "referenceRange"[1].high.value
  FROM read_json('FOLDER/Observation.*.ndjson', format = 'newline_delimited', ignore_errors = true, columns = {
    id: 'VARCHAR', subject: 'STRUCT(reference VARCHAR)', status: 'VARCHAR', code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    "effectiveDateTime": 'VARCHAR', "valueQuantity": 'STRUCT(value DOUBLE, unit VARCHAR, code VARCHAR)',
    "referenceRange": 'STRUCT(low STRUCT(value DOUBLE), high STRUCT(value DOUBLE))[]'})
  WHERE status NOT IN ('entered-in-error', 'cancelled');
CREATE TABLE coded AS
  SELECT p.patient, s.* EXCLUDE (patient, coding), unnest(s.coding) AS coding,
    epoch(try_cast(CASE WHEN length(s.dated) < 10 THEN s.dated || substr('-01-01', length(s.dated) - 3) ELSE s.dated END AS TIMESTAMPTZ)) AS instant
  FROM said s JOIN patient p ON substr(s.patient, 9) = p.id WHERE s.dated IS NULL OR s.dated < 'DAYT24';
DROP TABLE said;
CREATE TABLE meaning AS
  WITH codes AS (SELECT DISTINCT coding FROM coded), keys AS (SELECT coding, coding.system AS system,
      CASE WHEN coding.system LIKE '%icd-10-cm' THEN upper(replace(coding.code, '.', '')) ELSE coding.code END AS key FROM codes)
  SELECT DISTINCT k.coding, CAST(r.fact AS INT) AS fact, r.kind FROM keys k JOIN code_rule r
    ON k.system = r.system AND (k.key = r.code OR (r.match = 'prefix' AND starts_with(k.key, r.code)));
CREATE TABLE picked AS
  SELECT patient, m.fact, max_by(holds, instant) AS holds, CAST(NULL AS DOUBLE) AS low, CAST(NULL AS DOUBLE) AS high,
    CAST(NULL AS VARCHAR) AS position, max_by(reference, instant) AS reference, max_by(dated, instant) AS dated, false AS doubt
  FROM coded c JOIN meaning m ON c.coding = m.coding JOIN fact_rule r ON m.fact = r.fact
  WHERE m.kind = 'vote' AND (r.days IS NULL OR instant IS NULL OR epoch(TIMESTAMP 'DAY 23:59:59') - instant <= r.days * 86400)
  GROUP BY patient, m.fact
  UNION ALL
  SELECT patient, fact, NULL, newest.v, newest.v, CASE WHEN newest.v < newest.low THEN 'below' WHEN newest.v > newest.high THEN 'above' WHEN newest.low IS NOT NULL THEN 'within' END,
    newest.reference, newest.dated, false
  FROM (SELECT patient, m.fact, max_by(struct_pack(v := value * u.factor + u.shift, low := c.low * u.factor + u.shift, high := c.high * u.factor + u.shift,
      reference := reference, dated := dated), instant) AS newest
    FROM coded c JOIN meaning m ON c.coding = m.coding JOIN fact_rule r ON m.fact = r.fact JOIN unit_rule u ON m.fact = u.fact AND c.unit = u.unit
    WHERE m.kind = 'value' AND value IS NOT NULL AND (r.days IS NULL OR epoch(TIMESTAMP 'DAY 23:59:59') - instant <= r.days * 86400)
    GROUP BY patient, m.fact);
DROP TABLE coded;
CREATE TABLE spoken AS SELECT patient, list_sort(list(struct_pack(fact := fact, holds := holds, low := low, high := high,
  position := position, reference := reference, dated := dated))) AS facts FROM picked GROUP BY patient;
CREATE TABLE fact AS FACTS;
COPY (PATIENTS) TO 'OUT/patient.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480);
COPY (SELECT * EXCLUDE (spoken_facts) FROM fact) TO 'OUT/fact.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480);
