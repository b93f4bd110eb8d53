"""Arrays in containers of science and machine learning, read by ranges."""
