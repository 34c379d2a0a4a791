"""Ask for a run."""
