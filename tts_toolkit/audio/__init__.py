"""Sound files and waveforms, and the log-mel front end."""
