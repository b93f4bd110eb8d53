"""From evidence to a verdict: the kind of a change, the classical distances, since when, and the cure."""
