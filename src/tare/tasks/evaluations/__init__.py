"""How good answers are, one module a task."""
