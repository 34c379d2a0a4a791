"""Views of any run."""
