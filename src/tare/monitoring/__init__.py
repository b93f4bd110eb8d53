"""Watching what is served: an anytime-valid test of samples against the population that a network was trained on."""
