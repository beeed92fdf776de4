"""`mailtrip check --try`: resolves, connects and logs in wherever a trip would, and sends
nothing."""
