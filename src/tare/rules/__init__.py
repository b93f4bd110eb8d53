"""The rules of ``tare check``: each a pure function from evidence to what is wrong."""
