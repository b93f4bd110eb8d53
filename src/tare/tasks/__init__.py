"""What a network is taught: how targets are read, the loss, the score, what an answer is."""
