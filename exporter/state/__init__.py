"""What outlives the process: an SQLite file with pending tokens and recent outcomes."""
