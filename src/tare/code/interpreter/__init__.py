"""Python code followed without running it: what values its names may have, and which calls it makes."""
