"""Time: the clock, how late we are, limits and sleeps, and durations for people."""
