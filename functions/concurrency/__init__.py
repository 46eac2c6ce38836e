"""Concurrency groups: of the runs that share one, the newest event's goes on, or so many at a time. All pure."""
