"""Hostile input: what SECURITY.md claims, shown."""
