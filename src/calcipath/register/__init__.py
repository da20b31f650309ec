"""The case register behind the clinician's page: accounts, sessions, cases as FHIR resources in versions, photographs.

Nothing is imported here: the page's options are read at start-up.
"""
