"""`mailtrip init`: questions, attempts to log in, and the files that it writes."""
