"""Measurements beside a peer or a known answer, each a command of its own: python -m benchmarks.NAME."""
