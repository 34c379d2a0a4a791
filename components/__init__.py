"""What the pages are made of: pure figures (`table -> info -> Figure`), the live tree, and the
widgets in `components.controls`."""
