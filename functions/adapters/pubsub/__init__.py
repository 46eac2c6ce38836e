"""The queue, over Pub/Sub."""
