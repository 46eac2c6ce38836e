"""The parts of the Kubernetes API server stand-in, which `tests.standins.apiserver` puts together."""
