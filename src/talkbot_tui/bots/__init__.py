"""Bots: headless clients on the same engine as the app."""
