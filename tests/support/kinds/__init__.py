"""A sender and a mailbox that mailtrip does not have. `tests/house/test_kinds.py` adds them to a
copy of it."""
