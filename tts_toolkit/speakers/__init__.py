"""Speaker encoders and what is made of their embeddings."""
