"""Maildir mailboxes."""
