"""A mail lab of real servers on loopback addresses of one machine, with levers that break things.
See README.md."""
