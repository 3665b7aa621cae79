"""Text before it reaches a tokenizer."""
