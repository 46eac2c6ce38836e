"""What is made of a delivery: names that derive from it, whose an object is, and the reply."""
