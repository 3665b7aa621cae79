"""Devices and batch-invariant layers."""
