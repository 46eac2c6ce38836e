"""One delivery through one listener: `flow` reads top to bottom as it goes. Pure but for its ports."""

from functions.pipeline.flow import process

__all__ = ["process"]
