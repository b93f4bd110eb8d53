"""Networks on disk: model directories, runs, folded directories."""
