"""Kubeconfigs: read, judged and made into the access to a cluster."""
