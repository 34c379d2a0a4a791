"""The tree of diffusion tree sampling."""
