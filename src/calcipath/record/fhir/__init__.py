"""FHIR R4 resources as JSON, flattened into events: data types, references, statuses and one module a resource family."""
