"""POP3 mailboxes."""
