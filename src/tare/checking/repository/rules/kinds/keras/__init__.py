"""What goes wrong in programs with Keras, beside the range of the images."""
