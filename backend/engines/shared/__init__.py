"""What several engines use: chat templates, random draws, stop strings, given texts."""
