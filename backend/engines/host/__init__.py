"""The engine host: one process of its own in which local models live, and both ends of the wire to
it."""
