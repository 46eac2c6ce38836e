"""What several tests, the demo and the benchmarks share: the served function, signed deliveries, samples."""
