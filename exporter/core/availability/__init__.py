"""How available a probe was: outages, planned maintenance, and the account of a month."""
