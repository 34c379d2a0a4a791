"""Two to four runs on one clock."""
