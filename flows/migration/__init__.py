"""Migrates a source in partitions: each is read, sent and confirmed by itself, and all of them are one run."""
