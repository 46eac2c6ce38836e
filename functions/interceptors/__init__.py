"""Tekton's interceptors, one module each, compiled once from a trigger's YAML."""
