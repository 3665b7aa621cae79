"""Fine-tuning: tasks, examples, adapters, dev synthesis, export."""
