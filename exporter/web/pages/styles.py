"""Classes of the style sheet that say how something is."""

PLAIN, GOOD, BAD = "none", "good", "bad"
