"""One run as a page holds it: its log, its tree, the chosen node."""
