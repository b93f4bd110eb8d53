"""The demo: pretraining, transfer and comparison in a minute."""
