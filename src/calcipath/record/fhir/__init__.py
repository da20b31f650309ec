"""FHIR R4 resources as JSON, flattened into events: data types, references, statuses, and a module for each family."""
