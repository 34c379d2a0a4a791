"""Judge steps, name errors, compare two people."""
