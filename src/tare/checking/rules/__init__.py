"""Evidence, rules, findings; a rule's story stands beside it."""
