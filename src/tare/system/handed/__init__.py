"""What functions are handed: objects of another kind than they take, and tensors that hold no plain numbers."""
