"""The engine of OpenAI-compatible completions servers."""
