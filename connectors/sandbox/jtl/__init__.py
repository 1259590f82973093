"""JTL-Wawi's customer API as its documentation says, on this machine."""
