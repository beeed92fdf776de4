"""Parsers fed with what nobody would send. See __main__.py."""
