"""Decides what happens to every customer, and keeps the ledger of it."""
