"""Train weights: options, optimiser, schedule, checkpoints, evaluation."""
