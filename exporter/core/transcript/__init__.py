"""Conversations with servers, line by line."""
