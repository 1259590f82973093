"""Checks and maps customers. Pure: no network, no disk writes, no clock, no Prefect."""
