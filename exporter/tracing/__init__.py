"""A trip as a trace: its spans by OpenTelemetry's conventions, and their export to a collector."""
