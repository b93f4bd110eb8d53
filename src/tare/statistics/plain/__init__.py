"""The loops of :mod:`tare.statistics.compiled` in NumPy: the same bits, without a compiler."""
