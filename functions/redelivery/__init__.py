"""Which failed deliveries GitHub is asked to send again."""
