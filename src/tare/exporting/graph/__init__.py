"""The exported graph: raw values to probabilities and logits."""
