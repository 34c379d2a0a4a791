"""The service: what a page, a notebook or a script can ask over HTTP."""
