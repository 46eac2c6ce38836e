"""Which version this is: that of the checkout which it runs from, or of the installed package."""

from __future__ import annotations

from pathlib import Path

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def version() -> str:
    """Return the version as pyproject.toml gives it, which an installed package carries in its metadata."""
    if _PROJECT.is_file():
        import tomllib  # noqa: PLC0415 -- for this question alone

        return str(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    from importlib import metadata  # noqa: PLC0415 -- as above

    return metadata.version("pipehook")
