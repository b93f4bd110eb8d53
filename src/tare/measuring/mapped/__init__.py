"""Values that are mapped before they are measured."""
