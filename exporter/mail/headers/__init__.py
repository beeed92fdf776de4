"""What servers write into messages: read, and written by our SMTP receiver. Pure, tolerant, never
raising."""
