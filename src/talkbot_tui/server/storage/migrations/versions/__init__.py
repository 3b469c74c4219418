"""The numbered steps; a published one never changes."""
