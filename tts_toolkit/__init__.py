"""Fine-tune SpeechT5 on new voices and benchmark speech synthesis honestly."""

__version__ = "0.1.0"
