"""One watcher per mailbox: all trips that use a mailbox share its session."""
