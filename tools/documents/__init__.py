"""Makers of the generated documents, one module each."""
