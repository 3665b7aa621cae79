"""The training loop, its checkpoints and schedules; independent of models, text and speech."""
