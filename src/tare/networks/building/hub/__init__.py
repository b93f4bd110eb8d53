"""Networks of the library transformers: how each kind is called, and which kind a configuration is of."""
