"""Views of tree searches."""
