"""What leaves for the terminal: as few bytes as the difference to what stands there needs."""
