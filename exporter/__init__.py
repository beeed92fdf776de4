"""mailtrip: the e-mail round-trip exporter for Prometheus."""

__version__ = "0.1.0"
