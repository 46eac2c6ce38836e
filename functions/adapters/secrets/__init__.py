"""Secrets from Secret Manager, from files and from the cluster, kept for a bounded time."""
