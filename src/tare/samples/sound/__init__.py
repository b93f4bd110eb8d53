"""Sound: the decoding of WAV, and what a network's front end makes of a waveform."""
