"""Read live objects: networks, and the pipelines in front of them."""
