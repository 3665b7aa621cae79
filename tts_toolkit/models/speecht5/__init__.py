"""SpeechT5: checkpoint, decoder, generation, loss."""
