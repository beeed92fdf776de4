"""What happens in a session or a trip, while it happens."""
