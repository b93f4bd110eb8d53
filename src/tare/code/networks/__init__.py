"""What pretrained networks expect as their input, by the names that libraries give them; no library is loaded."""
