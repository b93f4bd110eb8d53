"""Networks on disk: `tare.load_model`, runs, folded directories."""
