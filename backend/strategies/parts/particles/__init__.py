"""Particles: populations, sequential Monte Carlo, passes with a reference."""
