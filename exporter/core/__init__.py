"""The vocabulary of a trip, and what every room needs: facts, clock, trace, transcript, log."""
