"""What is measured: each module takes one sample of one client, as lists by the figure's key."""
