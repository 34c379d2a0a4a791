"""The engine of deterministic tables, for tests and demonstrations."""
