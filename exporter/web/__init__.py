"""The HTTP server: what Prometheus scrapes and what a person looks at."""
