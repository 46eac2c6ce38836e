"""The real one is in the repository; this one is only packed."""
