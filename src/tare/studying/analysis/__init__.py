"""The analysis of scores: contrasts, crossovers and sentences."""
