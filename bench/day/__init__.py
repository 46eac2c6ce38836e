"""A day of deliveries, simulated: instances, cost, and which limit binds first. `python -m bench.day --help`."""
