"""What a stored run would have chosen with other settings, by replay of its stored answers."""
