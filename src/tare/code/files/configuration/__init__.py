"""Configurations in YAML, JSON and TOML: values with their places."""
