"""Views of beam searches."""
