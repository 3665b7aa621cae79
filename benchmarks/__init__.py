"""Measurements against a peer or a known answer, each a command: python -m benchmarks.NAME."""
