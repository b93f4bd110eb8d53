"""The evidence for advice: features, divergences and cross-validated accuracies."""
