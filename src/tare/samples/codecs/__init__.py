"""Formats whose values tare puts together itself, so that no depth, sign or meaning is lost on the way."""
