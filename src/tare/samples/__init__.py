"""Types of samples, and decoders from bytes to raw values."""
