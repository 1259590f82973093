"""Registers a job with Prefect: what runs it, when, with which ledger; a run itself is no business of this package."""
