"""The parts of the GitHub REST API stand-in, which `tests.standins.github_api` puts together."""
