"""The environment, read once into one frozen, typed `Settings`; every mistake is reported at once, by variable."""

from functions.settings.reading import read_settings, require_cluster
from functions.settings.values import QueueMode, Redelivery, SecretsSource, Settings, StatusApi

__all__ = ["QueueMode", "Redelivery", "SecretsSource", "Settings", "StatusApi", "read_settings", "require_cluster"]
