"""Files of options, as YAML."""
