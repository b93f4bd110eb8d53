"""What goes wrong in programs with one library: Keras, beside the range of the images, and fastai."""
