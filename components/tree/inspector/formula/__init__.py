"""The formula that decided about a node, with its numbers."""
