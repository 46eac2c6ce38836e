"""Calls to hosts that manifests name."""
