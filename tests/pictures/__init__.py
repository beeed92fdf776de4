"""Takes the pictures of the README again, from real trips through the lab.

`make pictures`: the recording of the terminal, from which docs/animation.py makes the moving
picture, and the page of a trip.
"""
