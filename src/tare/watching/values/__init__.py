"""What values alone show: their grid, their range, their own scaling, their mean and std."""
