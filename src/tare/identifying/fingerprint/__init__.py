"""The moments stored in batch norm, and their prediction for a normalisation and an augmentation."""
