"""Building, loading and exporting models."""
