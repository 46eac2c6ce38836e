"""Tests of the stand-ins, with the clients that the product uses."""
