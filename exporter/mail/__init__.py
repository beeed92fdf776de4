"""Messages: composed and signed on the way out, taken apart, recognised and judged on the way back.
Pure."""
