"""Messages: composes and signs them, and parses, recognises and classifies those that arrive.
Pure."""
