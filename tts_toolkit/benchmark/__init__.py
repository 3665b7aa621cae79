"""The stages of a benchmark: plan, synthesize, transcribe, embed, score, report; from files to rows."""
