"""Signatures: checked with public keys, and made with ours."""
