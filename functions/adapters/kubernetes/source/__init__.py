"""TRIGGERS_SOURCE=cluster: manifests read from the cluster, kept and compiled."""
