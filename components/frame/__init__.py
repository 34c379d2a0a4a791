"""What every page stands in: theme, prose, addresses, the service, pictures."""
