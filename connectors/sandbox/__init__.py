"""Local servers that behave as the vendors' documentation says; they share no rule with the connectors they test."""
