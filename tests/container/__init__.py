"""The container image: built of the Dockerfile and run as a user would, by Podman, which needs no
daemon."""
