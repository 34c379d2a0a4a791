"""One module a subject; each exposes `router`."""
