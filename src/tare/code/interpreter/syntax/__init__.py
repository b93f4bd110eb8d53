"""The syntax of Python carried out on abstract values: expressions, statements, assignments, calls."""
