"""What stands in names and objects while code is followed."""
