"""Real processes on a bad network: nothing may be lost, doubled or reordered."""
