"""HTTP: what Prometheus scrapes and what a person looks at. The only user of aiohttp."""
