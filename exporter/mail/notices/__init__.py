"""What a message that carries our token is, if it is not ours itself: a bounce, an answer, or
unclear.

See `judging` for the order in which the evidence counts.
"""
