"""Where rendered resources go: a dry run's report, or the clusters, with groups and the queue before them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.dry_run import DryRunSink
from functions.adapters.kubernetes.sink import ClusterSink
from functions.adapters.secrets.sources import SecretStore
from functions.common.ports import Redeliveries, Sink
from functions.entrypoints.grouping import Grouping
from functions.settings import Redelivery, Settings

_LOG = logging.getLogger(__name__)


def sink_of(
    settings: Settings, api: KubernetesApi | None, apis: Mapping[str, KubernetesApi], secrets: SecretStore
) -> Sink:
    """Return where deliveries go; `apis` are those of CLUSTERS."""
    if settings.dry_run or api is None:
        return DryRunSink()
    redeliveries = _redeliveries(settings, secrets) if settings.redelivery is Redelivery.RERUN else None
    cluster = ClusterSink(api, redelivery=settings.redelivery, redeliveries=redeliveries, clusters=apis)
    grouping = Grouping(cluster)
    if not settings.queue_topic:
        return grouping
    from functions.adapters.pubsub.queue import QueueingSink, open_publisher  # noqa: PLC0415 -- most have no queue

    reruns = settings.redelivery is Redelivery.RERUN
    if reruns:
        _LOG.warning("REDELIVERY=rerun: what is queued never starts a run again, which only the inline way does")
    publisher = open_publisher(settings.queue_topic)
    trace_parent: Callable[[], str] = str
    if settings.tracing:
        from functions.adapters.tracing import current_trace_parent as trace_parent  # noqa: PLC0415 -- for who traces

    return QueueingSink(grouping, publisher, mode=settings.queue_mode, reruns=reruns, trace_parent=trace_parent)


def _redeliveries(settings: Settings, secrets: SecretStore) -> Redeliveries | None:
    """Return who is asked whether GitHub sent a delivery again, None where no token is configured."""
    if not settings.github_token_secret and not settings.github_app_id:
        _LOG.warning(
            "REDELIVERY=rerun without GITHUB_TOKEN_SECRET or GITHUB_APP_ID: whoever has captured a delivery can run it "
            "again, for nobody asks GitHub whether it was redelivered"
        )
        return None
    # most do not rerun
    from functions.adapters.github.hook_tokens import open_hooks  # noqa: PLC0415 -- see above
    from functions.adapters.github.redeliveries import GitHubRedeliveries  # noqa: PLC0415 -- see above
    from functions.entrypoints.identities import fetch_of  # noqa: PLC0415 -- see above

    return GitHubRedeliveries(open_hooks(settings, fetch_of(secrets)), settings.github_hooks)


def worker_sink(settings: Settings, api: KubernetesApi | None, apis: Mapping[str, KubernetesApi]) -> Sink:
    """Return where the queue's worker creates: the cluster alone, and nothing in a dry run.

    It never starts a run again, whatever REDELIVERY says: Pub/Sub delivers a message at least once, and a second copy
    of one whose run has ended in the meantime is no wish for another run.
    """
    if settings.dry_run or api is None:
        return DryRunSink()
    return Grouping(ClusterSink(api, redelivery=Redelivery.DEDUPLICATE, clusters=apis))
