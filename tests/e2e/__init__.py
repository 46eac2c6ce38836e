"""End to end against a cluster: the one that KUBECONFIG names, or the bundled stand-in."""
