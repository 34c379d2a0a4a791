"""Views of samples and votes."""
