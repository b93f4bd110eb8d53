"""The normalisation as a part of other programs: a layer, a transform, an estimator, and what other libraries call it."""
