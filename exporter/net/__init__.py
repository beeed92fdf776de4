"""The border: one folder or file for each protocol library, which translates its exceptions
into ProbeError by type."""
