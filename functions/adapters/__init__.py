"""The edges: small adapters, each the only importer of its library."""
