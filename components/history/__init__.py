"""Find a run, open it, repeat it, fork it, take it in or out."""
