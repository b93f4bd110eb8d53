"""Linear heads: scikit-learn's, and many at once."""
