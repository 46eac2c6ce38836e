"""Checks of infra/ that need nothing but Python."""
