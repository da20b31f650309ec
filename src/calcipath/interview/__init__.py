"""Questions from the facts of the guideline, answers and follow-up entries as FHIR resources. Pure."""
