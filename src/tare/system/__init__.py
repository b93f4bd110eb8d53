"""What knows nothing of data or networks: whole files, locks, seeds, progress, users' code."""
