"""Corpora spoken by installed synthesizers: what the built-in weights are trained on."""
