"""What servers write into messages: read, and written by our own receiver. Pure, tolerant, never
raising."""
