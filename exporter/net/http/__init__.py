"""What all clients of HTTP have in common."""
