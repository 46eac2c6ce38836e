"""Tests of functions/interceptors."""
