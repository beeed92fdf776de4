"""Grafana dashboards, and the Python that writes them."""
