"""The boundary to protocol libraries: one folder or file each, which translates exceptions into
ProbeError by type."""
