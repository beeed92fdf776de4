"""Which probes there are, when each makes a trip, and what runs a trip."""
