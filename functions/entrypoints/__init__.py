"""What stands behind the functions in main.py: each puts its parts together once and serves requests with them."""
