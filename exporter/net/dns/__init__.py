"""DNS: the resolver, and queries whose answers show what came and when."""
