"""``tare check PATH...``: what is wrong with the preprocessing that a repository's files state."""
