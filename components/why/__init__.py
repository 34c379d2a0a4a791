"""Where the right answer died, and what would have saved it."""
