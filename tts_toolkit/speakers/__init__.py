"""Speaker encoders and uses of their embeddings."""
