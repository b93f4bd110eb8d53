"""Engines that map a function over chunks: threads on this machine, or Ray. The results are the same."""
