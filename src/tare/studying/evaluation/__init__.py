"""A study of anything that can be scored: the user's function, and what each trial hands to it."""
