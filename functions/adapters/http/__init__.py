"""The HTTP edge: a request becomes a delivery within bounds, a report the reply."""
