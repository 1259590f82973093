"""Tradevest's customer API (`roles/customers`) as its documentation says, on this machine."""
