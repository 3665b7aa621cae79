"""The training loop, its checkpoints and schedules; knows neither text nor speech."""
