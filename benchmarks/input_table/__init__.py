"""Every kind of input against every command: each cell is run on made data, and its outcome is written to ``docs/inputs.md``."""
