"""What waits in the queue, and what can never be created."""
