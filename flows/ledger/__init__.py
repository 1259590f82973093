"""Our own database: what became of every customer, and what must not be forgotten when a process dies."""
