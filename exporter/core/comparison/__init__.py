"""What changed between a trip and the good ones before it."""
