"""Measurements of the function beside what it is compared with; never imported by the function."""
