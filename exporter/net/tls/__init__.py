"""TLS: handshakes, certificates, and DANE."""
