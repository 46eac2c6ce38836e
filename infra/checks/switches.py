"""What changes when one variable does: every switch is planned on top of an applied state, with mocked providers.

A value that is known only after the apply shows here as a change of what already exists. Each expectation names every
change there may be; what exists and is not named must stay as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

FUNCTION = "google_cloudfunctions2_function.this"
WEBHOOK = f"module.webhook.{FUNCTION}"
DISPATCH = f"module.dispatch?0?.{FUNCTION}"
REDELIVER = f"module.redeliver?0?.{FUNCTION}"
REPORT = f"module.report?0?.{FUNCTION}"
RECONCILE = f"module.reconcile?0?.{FUNCTION}"
EVERY_FUNCTION = (WEBHOOK, DISPATCH, REDELIVER, REPORT, RECONCILE)
DASHBOARD = {"google_monitoring_dashboard.this?0?": {"dashboard_json"}}
SETTING = "service_config.environment_variables."

_HEAD = """
mock_provider "google" {
  source = "./tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

variables {
  secret_values      = {}
  source_directory   = "./tests/source"
  triggers_directory = "./tests/source/manifests"
  project            = "example-project"
"""

EVERYTHING = """
  queue_enabled         = true
  redeliver_enabled     = true
  tracing               = true
  redeliver             = { hooks = ["app"], token_secret = "github-token" }
  github                = { app_id = "1", app_key_secret = "github-app-key" }
  statuses_enabled      = true
  statuses              = { gitlab_token_secret = "gitlab-token" }
  dead_letter_operators = ["group:operators@example.com"]
  secret_rotation       = { first = "2030-01-01T00:00:00Z" }
  vpc                   = { network = "net", subnetwork = "sub" }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One change of the variables, and all that may come of it. Addresses are patterns as of a shell."""

    name: str
    set: str
    """Variables as Terraform reads them."""
    made: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    changed: Mapping[str, set[str]] = field(default_factory=dict)
    """Address -> the paths in it that change, where `*` is any. A trailing ? is a value known only after the apply."""
    everything: bool = False
    """Whether the state below has everything switched on, or is the smallest deployment."""
    warned: str = ""
    """The check that warns of it."""
    again: str = ""
    """Address of a resource that is replaced by hand (terraform apply -replace)."""


def _settings(*names: str) -> dict[str, set[str]]:
    return {WEBHOOK: {SETTING + name for name in names}}


_QUEUE = frozenset(
    {
        "google_pubsub_*", "google_service_account*.pu*", "module.dispatch?0?.*", "time_sleep.pubsub_agent?0?",
        "google_logging_metric.this??dispatches??", "google_monitoring_alert_policy.this??dead-letters??",
        "google_monitoring_alert_policy.this??queue-stuck??",
    }
)  # fmt: skip
_SWEEP = frozenset(
    {
        "google_cloud_scheduler_job.redeliver?0?", "module.redeliver?0?.*",
        "google_logging_metric.this??sweeps??", "google_monitoring_alert_policy.this??sweep-failed??",
    }
)  # fmt: skip
_SCHEDULER = frozenset(
    {"google_service_account.scheduler?0?", "google_project_service.this??cloudscheduler.googleapis.com??"}
)
_SCHEDULER_SAID = {"google_service_account.scheduler?0?": {"description"}}
_TELLING = frozenset(
    {
        "google_cloud_scheduler_job.reconcile?0?",
        "google_logging_metric.this??hints??",
        "google_logging_metric.this??reconciles??",
        "google_monitoring_alert_policy.this??hints-rejected??",
        "google_monitoring_alert_policy.this??reconcile-failed??",
        "google_monitoring_alert_policy.this??statuses-untold??",
        "module.reconcile?0?.*",
        "module.report?0?.*",
    }
)
_UNTOLD = frozenset({"google_monitoring_alert_policy.this??statuses-untold??"})
_TRACERS = frozenset({"module.*.google_project_iam_member.tracer?0?"})
_ROTATION = frozenset({"google_pubsub_topic.secret_rotation?0?", "google_pubsub_topic_iam_member.secret_rotation?0?"})
_UPTIME = frozenset({"google_monitoring_uptime_check_config.webhook?0?", "google_monitoring_alert_policy.uptime?0?"})
_WATCHING = frozenset(
    {"google_logging_metric.*", "google_monitoring_alert_policy.*", "google_monitoring_*.webhook?0?"}
) | {"google_monitoring_dashboard.this?0?"}
_KNOWN = ("GITHUB_API_URL", "GITHUB_APP_ID", "GITHUB_APP_KEY_SECRET")
_TOLD = ("STATUS_API", "GITLAB_API_URL", "GITLAB_TOKEN_SECRET")
_EVERY_LABEL = {"labels", "labels.team", "user_labels.team", "dashboard_json"}

SWITCHES = (
    Switch(name="nothing", set=""),
    Switch(name="nothing_of_everything", set="", everything=True),
    Switch(
        name="queue_on",
        set="queue_enabled = true",
        made=_QUEUE | {"google_project_service.this??pubsub.googleapis.com??"},
        changed=_settings("QUEUE_TOPIC", "QUEUE_MODE") | DASHBOARD,
    ),
    Switch(
        name="queue_off",
        set="queue_enabled = false\n dead_letter_operators = []",
        everything=True,
        # the topic of the rotation's reminders stays
        gone=(_QUEUE - {"google_pubsub_*"}) | {"google_pubsub_subscription*", "google_pubsub_topic*.[!s]*"},
        changed=_settings("QUEUE_TOPIC", "QUEUE_MODE") | DASHBOARD,
    ),
    Switch(
        name="queue_settings",
        set='queue = { mode = "always", retention = "3600s", dead_letter_retention = "86400s" }',
        everything=True,
        changed=_settings("QUEUE_MODE")
        | {
            "google_pubsub_subscription.*": {"message_retention_duration"},
            "google_monitoring_alert_policy.this??dead-letters??": {"documentation.content"},
        },
    ),
    Switch(
        name="operators",
        set='dead_letter_operators = ["user:a@example.com"]',
        everything=True,
        made=frozenset({"google_pubsub_*.operators_*a@example.com??"}),
        gone=frozenset({"google_pubsub_*.operators_*group*"}),
    ),
    Switch(
        name="sweep_on",
        set='redeliver_enabled = true\n redeliver = { hooks = ["app"], token_secret = "github-token" }',
        made=_SWEEP | _SCHEDULER | {"google_secret_manager_secret.this??github-token??"},
        changed=DASHBOARD,
    ),
    Switch(
        name="sweep_off",
        set="redeliver_enabled = false",
        everything=True,
        gone=_SWEEP | {"google_secret_manager_secret.this??github-token??"},
        changed=DASHBOARD | _SCHEDULER_SAID,
    ),
    Switch(
        name="sweep_settings",
        set='redeliver = { hooks = ["app"], token_secret = "github-token", limit = 7, schedule = "0 * * * *" }',
        everything=True,
        changed={REDELIVER: {SETTING + "REDELIVER_LIMIT"}, "google_cloud_scheduler_job.redeliver?0?": {"schedule"}},
    ),
    Switch(
        name="known_at_github",
        set='github = { token_secret = "github-token" }',
        made=frozenset({"google_secret_manager_secret.this??github-token??", "module.webhook.*??github-token??"}),
        changed=_settings("GITHUB_TOKEN_SECRET"),
    ),
    Switch(
        name="statuses_on",
        set='github = { token_secret = "github-token" }\n statuses_enabled = true',
        made=_TELLING
        | _SCHEDULER
        | {
            "google_secret_manager_secret.this??pipehook-report-key??",
            "google_secret_manager_secret.this??github-token??",
            "module.webhook.*??github-token??",
        },
        changed=_settings("GITHUB_TOKEN_SECRET", "STATUS_API") | DASHBOARD,
    ),
    Switch(
        name="statuses_off",
        set="statuses_enabled = false",
        everything=True,
        gone=_TELLING
        | {
            "google_secret_manager_secret.this??pipehook-report-key??",
            "google_secret_manager_secret.this??gitlab-token??",
            "module.webhook.*??gitlab-token??",
            "module.dispatch?0?.*??git*??",
        },
        changed={
            WEBHOOK: {SETTING + name for name in _TOLD},
            DISPATCH: {SETTING + name for name in (*_TOLD, *_KNOWN)},
        }
        | DASHBOARD
        | _SCHEDULER_SAID,
    ),
    Switch(
        name="groups_on",
        set="concurrency_enabled = true",
        made=(_TELLING - _UNTOLD) | _SCHEDULER | {"google_secret_manager_secret.this??pipehook-report-key??"},
        changed=DASHBOARD,
    ),
    Switch(
        name="groups_without_statuses",
        set="concurrency_enabled = true\n statuses_enabled = false",
        everything=True,
        gone=_UNTOLD | {"google_secret_manager_secret.this??gitlab-token??", "module.*??git*??"},
        changed={
            WEBHOOK: {SETTING + name for name in _TOLD},
            **{function: {SETTING + name for name in (*_TOLD, *_KNOWN)} for function in (DISPATCH, REPORT, RECONCILE)},
        },
    ),
    Switch(
        name="statuses_settings",
        set="""
        statuses = { api = "checks", target_url = "https://t.example.com/{name}", gitlab_token_secret = "gitlab-token" }
        report = { max_instances = 5, ingress = "ALLOW_INTERNAL_ONLY" }
        reconcile = { schedule = "*/5 * * * *", lookback_hours = 48 }
        """,
        everything=True,
        changed={function: {SETTING + "STATUS_API", SETTING + "STATUS_TARGET_URL"} for function in (WEBHOOK, DISPATCH)}
        | {
            REPORT: {
                SETTING + "STATUS_API",
                SETTING + "STATUS_TARGET_URL",
                "service_config.max_instance_count",
                "service_config.ingress_settings",
            },
            RECONCILE: {SETTING + name for name in ("STATUS_API", "STATUS_TARGET_URL", "RECONCILE_LOOKBACK_HOURS")},
            "google_cloud_scheduler_job.reconcile?0?": {"schedule"},
        },
    ),
    Switch(
        name="runs_read_with_less",
        set='statuses = { kubeconfig_secret = "reader", gitlab_token_secret = "gitlab-token" }',
        everything=True,
        made=frozenset({"google_secret_manager_secret.this??reader??", "module.re*??reader??"}),
        gone=frozenset({"module.re*??pipehook-kubeconfig??"}),
        changed={function: {SETTING + "KUBECONFIG_SECRET"} for function in (REPORT, RECONCILE)},
    ),
    Switch(
        name="tracing_on",
        set="tracing = true",
        made=_TRACERS | {"google_project_service.this??cloudtrace.googleapis.com??"},
        changed=_settings("TRACING"),
    ),
    Switch(
        name="tracing_off",
        set="tracing = false",
        everything=True,
        gone=_TRACERS | {"google_project_service.this??cloudtrace.googleapis.com??"},
        changed={function: {SETTING + "TRACING"} for function in (WEBHOOK, DISPATCH, REDELIVER)},
    ),
    Switch(
        name="rotation_on",
        set='secret_rotation = { first = "2030-01-01T00:00:00Z" }',
        made=_ROTATION | {"google_project_service.this??pubsub.googleapis.com??", "time_sleep.secret_rotation?0?"},
        changed={"google_secret_manager_secret.this*": {"rotation", "topics"}},
    ),
    Switch(
        name="rotation_off",
        set="secret_rotation = null",
        everything=True,
        gone=_ROTATION | {"time_sleep.secret_rotation?0?"},
        changed={"google_secret_manager_secret.this*": {"rotation", "topics"}},
    ),
    Switch(
        name="network_on",
        set='vpc = { network = "net", subnetwork = "sub" }',
        changed={WEBHOOK: {"service_config.direct_vpc_egress", "service_config.direct_vpc_network_interface"}},
    ),
    Switch(
        name="network_off",
        set="vpc = null",
        everything=True,
        changed={
            function: {"service_config.direct_vpc_egress*", "service_config.direct_vpc_network_interface"}
            for function in EVERY_FUNCTION
        },
    ),
    Switch(
        name="apis_left_to_others",
        set="enable_apis = false",
        everything=True,
        gone=frozenset({"google_project_service.this*"}),
    ),
    Switch(
        name="public_access",
        set='public_access = "invoker-check-off"',
        gone=frozenset({"module.webhook.google_cloud_run_v2_service_iam_member.invoker??everyone??"}),
    ),
    Switch(
        name="function_made_anew",
        set="",
        again="module.webhook.google_cloudfunctions2_function.this",
        replaced=frozenset({WEBHOOK, "module.webhook.google_cloud_run_v2_service_iam_member.invoker??everyone??"}),
        changed={"google_monitoring_uptime_check_config.webhook?0?": {"monitored_resource.labels.host?"}},
    ),
    Switch(
        name="another_manifest",
        set='triggers_directory = "./tests/source/other-manifests"',
        replaced=frozenset({"terraform_data.source"}),
        changed={
            "google_storage_bucket_object.source": {"name", "source_md5hash"},
            WEBHOOK: {"build_config.source.storage_source.object"},
        },
    ),
    Switch(
        name="manifests_in_the_cluster",
        set='triggers_source = "cluster"',
        replaced=frozenset({"terraform_data.source"}),
        changed={
            "google_storage_bucket_object.source": {"name", "source_md5hash"},
            WEBHOOK: {"build_config.source.storage_source.object", SETTING + "TRIGGERS_SOURCE"},
        },
    ),
    Switch(
        name="settings",
        set="""
        event_listener = "el"
        namespace = "lab"
        secret_id_format = "x-{name}"
        redelivery = "rerun"
        outbound_hosts = ["ci.example.com"]
        github_api_url = "https://github.example.com/api/v3"
        """,
        changed=_settings(
            "EVENT_LISTENER",
            "NAMESPACE",
            "SECRET_ID_FORMAT",
            "REDELIVERY",
            "OUTBOUND_HOSTS",
            "GITHUB_API_URL",
        ),
    ),
    Switch(
        name="unverified",
        set='unverified_triggers = "allow"',
        warned="check.listeners_are_verified",
        changed=_settings("UNVERIFIED_TRIGGERS"),
    ),
    Switch(
        name="dry_run",
        set="dry_run = true",
        gone=frozenset(
            {"google_secret_manager_secret.this??pipehook-kubeconfig??", "module.webhook.*??pipehook-kubeconfig??"}
        ),
        changed=_settings("DRY_RUN", "KUBECONFIG_SECRET"),
    ),
    Switch(
        name="secrets_in_the_cluster",
        set='secrets_source = "cluster"',
        gone=frozenset({"google_secret_manager_secret.this??github-webhook??", "module.webhook.*??github-webhook??"}),
        changed=_settings("SECRETS_SOURCE"),
    ),
    Switch(
        name="another_key",
        set='webhook_secrets = ["github-webhook", "other"]',
        made=frozenset({"google_secret_manager_secret.this??other??", "module.webhook.*??other??"}),
    ),
    Switch(
        name="another_kubeconfig",
        set='kubeconfig_secret = "other"',
        everything=True,
        made=frozenset({"google_secret_manager_secret.this??other??", "module.*??other??"}),
        gone=frozenset({"google_secret_manager_secret.this??pipehook-k*??", "module.*??pipehook-k*??"}),
        changed={function: {SETTING + "KUBECONFIG_SECRET"} for function in (WEBHOOK, DISPATCH, REPORT, RECONCILE)},
    ),
    Switch(
        name="another_cluster",
        set='clusters = { eu = "eu-kubeconfig" }\n cluster_roles = { fleet = ["roles/gkehub.gatewayEditor"] }',
        everything=True,
        made=frozenset(
            {
                "google_secret_manager_secret.this??eu-kubeconfig??",
                "module.*??eu-kubeconfig??",
                "google_project_iam_member.cluster*",
            }
        ),
        changed={function: {SETTING + "CLUSTERS"} for function in (WEBHOOK, DISPATCH, REPORT, RECONCILE)},
    ),
    Switch(
        name="a_value_for_a_secret",
        set='secret_values = { github-webhook = "made-up" }\n secret_value_versions = { github-webhook = 1 }',
        made=frozenset({"google_secret_manager_secret_version.this*"}),
    ),
    Switch(
        name="protection_off",
        set="deletion_protection = false",
        changed={"google_secret_manager_secret.this*": {"deletion_protection"}},
    ),
    Switch(
        name="sizes",
        set='runtime = "python313"\n webhook = { memory = "1Gi", cpu = 2, concurrency = 20, min_instances = 1 }',
        changed={
            WEBHOOK: {
                "build_config.runtime",
                "service_config.available_memory",
                "service_config.available_cpu",
                "service_config.max_instance_request_concurrency",
                "service_config.min_instance_count",
                SETTING + "THREADS",
            }
        },
    ),
    Switch(
        name="sizes_of_the_worker",
        set="dispatch = { timeout_seconds = 90 }",
        everything=True,
        changed={
            DISPATCH: {"service_config.timeout_seconds"},
            "google_pubsub_subscription.dispatch?0?": {"ack_deadline_seconds"},
        },
    ),
    Switch(
        name="labels",
        set='labels = { team = "a" }',
        everything=True,
        changed=dict.fromkeys(("google_[!p]*", "google_pubsub_*", "module.*.google_*"), _EVERY_LABEL),
    ),
    Switch(
        name="kept_shorter",
        set="source_retention_days = 7\n iam_wait_seconds = 90",
        changed={
            "google_storage_bucket.source": {
                "lifecycle_rule.condition.days_since_noncurrent_time",
                "lifecycle_rule.condition.with_state",  # the provider's default, in a condition that is another one
            },
            "time_sleep.build": {"create_duration"},
        },
    ),
    Switch(
        name="watching_off",
        set="monitoring_enabled = false",
        everything=True,
        gone=_WATCHING | {"google_project_service.this??monitoring.googleapis.com??"},
    ),
    Switch(
        name="watching",
        set="""
        notification_channels = ["projects/example-project/notificationChannels/1"]
        alerts = { no_success_hours = 0, silence_hours = 24, rejected_per_10_minutes = 5 }
        uptime_host = "hooks.example.com"
        """,
        made=frozenset({"google_monitoring_alert_policy.this??silence??"}),
        gone=frozenset({"google_monitoring_alert_policy.this??no-success??"}),
        changed={
            "google_monitoring_alert_policy.*": {
                "notification_channels",
                "conditions.condition_prometheus_query_language.query",
            },
            "google_monitoring_uptime_check_config.webhook?0?": {"monitored_resource.labels.host"},
        },
    ),
    Switch(
        name="hooks_by_terraform",
        set="""
        github_repositories = ["app"]
        github_organization = true
        github_events = ["push", "pull_request"]
        github_webhook_secret = "0123456789abcdef"
        """,
        made=frozenset({"module.github_webhook?0?.*"}),
    ),
)

ELSEWHERE = {
    "project": "another project is another deployment",
    "region": "another region is another deployment, with another URL",
    "name": "another name is another deployment",
    "source_directory": "changes the archive as triggers_directory does",
    "secret_locations": "Secret Manager cannot move a secret: tests/secrets.tftest.hcl",
    "existing_secrets": "takes out of the state what should stay: tests/secrets.tftest.hcl",
}
"""Variables that no switch sets, with the reason."""


def written(switches: Iterable[Switch], *, everything: bool) -> str:
    """Give the test file with an applied state, and each of its switches planned on top."""
    runs = [
        f'run "{switch.name}" {{\n command = plan\n'
        + (f" plan_options {{\n replace = [{switch.again}]\n }}\n" if switch.again else "")
        + (f" expect_failures = [{switch.warned}]\n" if switch.warned else "")
        + f" variables {{\n{switch.set}\n }}\n}}\n"
        for switch in switches
        if switch.everything == everything
    ]
    return _HEAD + (EVERYTHING if everything else "") + '}\n\nrun "applied" {}\n\n' + "\n".join(runs)


def problems(said: str, switches: Iterable[Switch]) -> Iterator[str]:
    """Compare what `terraform test -json -verbose` said of the planned runs with what may change."""
    expected = {switch.name: switch for switch in switches}
    for line in said.splitlines():
        message = json.loads(line)
        if message["type"] == "diagnostic":
            yield f"{message['diagnostic']['summary']}: {message['diagnostic'].get('detail', '')}"
        elif message["type"] == "test_plan":
            switch = expected.pop(message["@testrun"])
            for problem in _differences(switch, message["test_plan"].get("resource_changes", [])):
                yield f"{switch.name}: {problem}"
    for name in expected:
        yield f"{name} was not planned"


def _differences(switch: Switch, resources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    kinds: dict[tuple[str, ...], tuple[str, frozenset[str]]] = {
        ("create",): ("made", switch.made),
        ("delete",): ("gone", switch.gone),
        ("create", "delete"): ("replaced", switch.replaced),
        ("update",): ("changed", frozenset(switch.changed)),
    }
    seen: dict[str, set[str]] = {kind: set() for kind, _ in kinds.values()}
    for resource in resources:
        change = resource["change"]
        actions = tuple(sorted(change["actions"]))
        if actions in (("no-op",), ("read",)):
            continue
        kind, patterns = kinds[actions]
        address = resource["address"]
        matching = {pattern for pattern in patterns if fnmatchcase(address, pattern)}
        if not matching:
            yield f"{address} is {kind}"
        seen[kind] |= matching
        if kind == "changed":
            allowed = {path for pattern in matching for path in switch.changed[pattern]}
            paths = set(_paths(change["before"], change["after"], change["after_unknown"]))
            for path in sorted(paths):
                if not any(path == one or fnmatchcase(path, one) for one in allowed):
                    yield f"{address}: {path} changes"
    for kind, patterns in kinds.values():
        for pattern in sorted(patterns - seen[kind]):
            yield f"no {pattern} is {kind}"


def _paths(before: Any, after: Any, unknown: Any, path: str = "") -> Iterator[str]:
    """Give the paths at which a resource changes; a list of one is what a block is, and has no number."""
    if unknown is True:
        yield f"{path}?"
    elif isinstance(before, dict) and isinstance(after, dict):
        unknown = unknown if isinstance(unknown, dict) else {}
        for key in sorted({*before, *after, *unknown}):
            yield from _paths(before.get(key), after.get(key), unknown.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            below = unknown[index] if isinstance(unknown, list) and index < len(unknown) else None
            yield from _paths(old, new, below, path)
    elif before != after:
        yield path
