"""Commands that are killed, that run out of disk, that may not write, or that meet a second one of their kind."""
