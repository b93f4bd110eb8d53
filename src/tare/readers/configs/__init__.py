"""Configuration files of training and serving libraries, read as text and never run."""
