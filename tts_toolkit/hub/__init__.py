"""Loading from the Hugging Face hub, from folders and from packages, and uploading."""
