"""The live tree, the table of its steps, the pseudo-code beside."""
