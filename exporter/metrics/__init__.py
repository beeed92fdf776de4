"""The series for Prometheus: the only place where outcomes become series."""
