"""Views of particles."""
