"""Which listener and which of its triggers a delivery is for: compiled once, selected and routed."""
