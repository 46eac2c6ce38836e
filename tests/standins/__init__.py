"""Stand-in servers for tests, the demo, the drill and the benchmark; see README.md."""
