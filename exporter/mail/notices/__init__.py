"""Classifies messages with our token that are not ours: a bounce, an answer, or unclear.

See `judging` for the order of the evidence.
"""
