"""`mailtrip check --try`: resolves, connects and logs in as a trip would, without sending a
message."""
