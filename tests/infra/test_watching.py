"""The log-based metrics count lines that the functions write: kinds, labels and fields are those of the log."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from functions.adapters import logs
from functions.adapters.logs import DeliveryLog
from functions.common.values import Outcome, Status
from functions.entrypoints import dispatch
from functions.outcomes.report import Report
from functions.queue.messages import encode
from tests.adapters.kubernetes.support import work
from tests.infra.hcl import INFRA, arguments, blocks, of_kind
from tests.queue.test_dispatch import envelope
from tests.standins.github_api import GitHubApi
from tests.standins.secret_manager import SecretManager
from tests.support.application import Application

_METRIC = re.compile(
    r'(\w+) = \{description = "([^"]*)", filter = "(.*?)", labels = \{(.*?)\}, latency = (true|false)\}', re.DOTALL
)


Line = Mapping[str, object]


@dataclass(frozen=True)
class Metric:
    """A log-based metric."""

    description: str
    function: str
    """Whose lines are counted."""
    conditions: Mapping[str, str]
    """The fields that a line must have, and their values."""
    labels: Mapping[str, str]
    """The fields that the labels come from."""


def _metrics() -> dict[str, Metric]:
    (text,) = (
        value
        for block in blocks(INFRA)
        if block.kind == "locals"
        for name, value in arguments(block.body).items()
        if name == "metrics"
    )
    found = {}
    for name, description, filters, labels, _ in _METRIC.findall(text):
        function, *conditions = filters.split(" AND ")
        found[name] = Metric(
            description=description,
            function=function.removeprefix("${local.function_logs.").removesuffix("}"),
            conditions=dict(_condition(text) for text in conditions),
            labels=dict(re.findall(r'(\w+) = "([\w.]+)"', labels)),
        )
    return found


def _condition(text: str) -> tuple[str, str]:
    parts = re.fullmatch(r'([\w.]+)=\\"([\w-]+)\\"', text)
    assert parts, f"a condition of a form that this test does not know: {text}"
    return parts[1], parts[2]


def _field(line: Line, name: str) -> object:
    """Return a field of the entry that Cloud Logging makes of a line of JSON; None when it has none."""
    place, _, rest = name.partition(".")
    if place == "labels":
        labels = line.get("logging.googleapis.com/labels")
        return labels.get(rest) if isinstance(labels, dict) else None
    return line.get(rest if place == "jsonPayload" else place)


def _written(capsys: pytest.CaptureFixture[str]) -> list[Line]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, list[Line]]:
    """What each function writes about one request."""
    found = {}
    outcome = Outcome(name="push", namespace="ns", status=Status.CREATED, verified=True, milliseconds=12.5)
    report = Report(
        listener="el", namespace="ns", listener_uid="u", event_id="e", repository="o/r", outcomes=(outcome,)
    )
    DeliveryLog({"delivery": "e", "event": "push"}, trace="").reported(report, 34.5)
    found["webhook"] = _written(capsys)

    worker = Application({"DRY_RUN": "true"}, target="dispatch")
    capsys.readouterr()
    assert worker.post(envelope(encode(work()).data), {}).status == 503
    found["dispatch"] = _written(capsys)

    with GitHubApi() as github, SecretManager() as secrets:
        secrets.add("p", "token", github.token.encode())
        sweep = Application(
            {
                "GITHUB_HOOKS": f"repos/o/r/hooks/{github.add_hook('repos/o/r', 'http://127.0.0.1:1/').id}",
                "GITHUB_TOKEN_SECRET": "projects/p/secrets/token",
                "GITHUB_API_URL": github.url,
                "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
            },
            target="redeliver",
        )
        capsys.readouterr()
        assert sweep.request("POST").status == 200
    found["redeliver"] = _written(capsys)

    with SecretManager() as secrets:
        secrets.add("p", "report", b"the-key")
        told = {
            "GITHUB_TOKEN_SECRET": "projects/p/secrets/token",
            "KUBECONFIG_SECRET": "projects/p/secrets/kubeconfig",
            "REPORT_KEY_SECRET": "projects/p/secrets/report",
            "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
        }
        for function, status in (("report", 401), ("reconcile", 503)):
            served = Application(told, target=function)
            capsys.readouterr()
            assert served.post(b"{}", {}).status == status
            found[function] = _written(capsys)
    return found


def test_the_metrics_are_those_of_the_functions() -> None:
    assert {name: metric.function for name, metric in _metrics().items()} == {
        "deliveries": "webhook",
        "delivery_latency": "webhook",
        "triggers": "webhook",
        "dispatches": "dispatch",
        "sweeps": "redeliver",
        "hints": "report",
        "reconciles": "reconcile",
    }


def test_every_metric_counts_one_line_of_its_functions_request_and_finds_its_labels_there(
    lines: dict[str, list[Line]],
) -> None:
    for name, metric in _metrics().items():
        counted = [
            line
            for line in lines[metric.function]
            if all(_field(line, field) == value for field, value in metric.conditions.items())
        ]
        assert len(counted) == 1, name
        missing = [field for field in metric.labels.values() if _field(counted[0], field) is None]
        assert missing == [], name


_OUTCOMES = {
    "deliveries": {*logs._DELIVERY_SEVERITY, "bad-request"},
    "triggers": {status.value for status in Status},
    "dispatches": set(dispatch._SEVERITY),
}


@pytest.mark.parametrize("metric", _OUTCOMES)
def test_a_metric_is_described_with_the_outcomes_that_there_are(metric: str) -> None:
    listed = _metrics()[metric].description.rpartition(": ")[2].rstrip(".")

    assert set(listed.split(", ")) == _OUTCOMES[metric]


def test_alerts_ask_for_outcomes_that_there_are() -> None:
    text = (INFRA / "alerts.tf").read_text()
    asked = re.findall(r'local\.promql\.(\w+)\}\{[^}]*outcome=~?\\"([\w|-]+)\\"', text)

    assert len(asked) == text.count(",outcome=")
    for metric, outcomes in asked:
        assert set(outcomes.split("|")) <= _OUTCOMES[metric]


def test_the_alert_on_strangers_asks_for_the_status_that_they_get(lines: dict[str, list[Line]]) -> None:
    (refused,) = lines["report"]

    assert refused["status"] == 401
    assert re.findall(r'promql\.hints\}\{[^}]*status=\\"(\d+)\\"', (INFRA / "alerts.tf").read_text()) == ["401"]


def test_the_latency_is_a_number_in_the_line(lines: dict[str, list[Line]]) -> None:
    assert [line["milliseconds"] for line in lines["webhook"] if line["kind"] == "delivery"] == [34.5]
    resource = of_kind(INFRA, "resource")["google_logging_metric.this"]

    assert "EXTRACT(jsonPayload.milliseconds)" in resource.body["value_extractor"]


def test_no_label_comes_from_what_is_not_signed() -> None:
    """Whoever sends a delivery chooses its event's name and id: as labels they would make time series without end."""
    used = {field for metric in _metrics().values() for field in metric.labels.values()}

    assert used.isdisjoint({"labels.event", "labels.delivery", "labels.repository"})


def test_alerts_and_charts_name_metrics_that_exist() -> None:
    text = (INFRA / "alerts.tf").read_text() + (INFRA / "dashboard.tf").read_text()

    assert set(re.findall(r"local\.promql\.(\w+)", text)) == set(_metrics())
