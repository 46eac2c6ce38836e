"""Values and words that every stage of a delivery's way shares."""
