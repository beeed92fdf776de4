"""The client of OTLP over HTTP: spans as OpenTelemetry's protobuf messages, and their export over
aiohttp."""
