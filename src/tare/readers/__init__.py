"""Readers: what a model, a configuration or a pipeline says about a network's input, as an :class:`InputSpec`."""
