"""Images with a mask for each: their pairs, and batches of them."""
