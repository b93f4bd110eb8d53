"""What is wrong with the facts that code states: the rules, and what they share."""
