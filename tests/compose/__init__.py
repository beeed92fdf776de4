"""examples/compose.yml: taken by Compose, and started by podman-compose."""
