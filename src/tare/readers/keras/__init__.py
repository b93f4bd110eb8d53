"""Read what a Keras model expects: an application, or a ``.keras`` file."""
