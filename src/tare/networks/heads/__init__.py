"""Linear heads: one at a time with scikit-learn, or many together."""
