"""Headers that servers add to messages: parses them, and writes those of our SMTP receiver. Pure,
tolerant; never raises."""
