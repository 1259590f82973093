"""Sends rows through a target: at what pace, how often, in which order, and what became of each."""
