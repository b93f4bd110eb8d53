"""The rules: one module a family of mistakes."""
