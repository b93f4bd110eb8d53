"""Figures of samples, bets on their levels, and the evidence that the bets earn from any moment on."""
