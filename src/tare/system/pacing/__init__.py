"""How far long work is, and when it will end: as a bar on a terminal, as a line a minute elsewhere."""
