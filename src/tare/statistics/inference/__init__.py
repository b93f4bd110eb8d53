"""What intervals and fits need: tails and quantiles of distributions, and least squares."""
