"""Image files of every kind, made from known values, and whether tare reads those values or refuses the file."""
