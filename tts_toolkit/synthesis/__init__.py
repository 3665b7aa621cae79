"""Texts to waveforms."""
