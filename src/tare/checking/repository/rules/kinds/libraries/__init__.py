"""What goes wrong with one library: Keras, beside the range of the images, fastai, processors of transformers, and sounds."""
