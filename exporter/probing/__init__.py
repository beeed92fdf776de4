"""Which probes there are, when each makes a trip, and the wall around a trip."""
