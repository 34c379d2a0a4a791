"""The store: questions in SQL, settings."""
