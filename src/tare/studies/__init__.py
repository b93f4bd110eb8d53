"""Studies: strategies compared with evidence."""
