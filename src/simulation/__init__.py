"""Generators of data that look like the real thing where it matters."""
