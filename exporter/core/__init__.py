"""The vocabulary of a trip, and what every package needs: facts, clock, trace, transcript, log."""
