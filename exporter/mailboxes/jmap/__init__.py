"""Mailboxes on JMAP servers."""
