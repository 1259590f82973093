"""The commands, one function each; `flows.cli` gives them their names."""
