"""The clinician's page: a door in the browser to one case at a time. It carries answers to and fro, and judges nothing."""
