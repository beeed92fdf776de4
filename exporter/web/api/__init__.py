"""JSON below /api/v1: `routes` has all resources, `frame` what they have in common."""
