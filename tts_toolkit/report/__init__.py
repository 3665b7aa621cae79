"""One HTML file and one JSON that say how good the speech is."""
