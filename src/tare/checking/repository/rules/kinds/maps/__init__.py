"""Rules on the map by which an image of a file becomes what a call is given."""
