"""What files state of their values and axes beside the numbers: facts, steps along axes, values that mean no data."""
