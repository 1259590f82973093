"""What the connectors to customer APIs have in common: the wire, signing in, asking again, and records made flat."""
