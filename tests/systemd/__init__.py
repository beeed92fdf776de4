"""The units in examples/systemd, judged by systemd's own tools and obeyed as far as that goes
without systemd."""
