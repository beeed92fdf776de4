"""The persistent state: an SQLite file with pending tokens and recent outcomes."""
