"""A cache file of every released schema, as the version that released it wrote it."""
