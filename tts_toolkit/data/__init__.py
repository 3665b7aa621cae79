"""From a folder of recordings to batches."""
