"""What is wrong with the facts that code states: one module a family of mistakes."""
