"""Tekton Triggers' resources as frozen values, and the loading and validation of their manifests."""
