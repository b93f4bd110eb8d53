"""What all pages are made of: the frame with its first screen, rows of marks on one scale, squares of counts."""
