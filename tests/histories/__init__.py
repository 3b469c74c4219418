"""What happened in a run, and whether every promise was kept."""
