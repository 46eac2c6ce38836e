"""The remote cluster: its API, what is created there, and what is read from it."""
