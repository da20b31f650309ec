"""A check of any CDS Hooks 2.0 service from outside, against the numbered statements of the public register.

`register.csv` holds the 143 statements that bind a service, `further-rules.csv` what else a client relies on. The
modules `*_checks` judge parsed answers and do no input or output; `run.check_service` makes the requests.
"""
