"""One watcher for each mailbox: all trips that await a mailbox share its session."""
