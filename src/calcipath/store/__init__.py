"""What the CDS Hooks service keeps: an append-only audit, feedback on its cards, which alerts were shown.

Nothing is imported here: the command line reads `calcipath.store.command` at its start.
"""
