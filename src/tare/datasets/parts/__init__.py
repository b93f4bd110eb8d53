"""The parts of a dataset (training, validation, test): how data name them, and which samples are of which."""
