"""What an experiment teaches: one file an analysis or a law that analyses fit."""
