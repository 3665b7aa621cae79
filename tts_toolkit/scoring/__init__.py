"""Intelligibility and speaker similarity, and how they are summed up."""
