"""The log-based metrics count lines that the functions write: kinds, labels and fields are those of the log."""

from __future__ import annotations

import json
import re

import pytest

from functions.adapters.logs import DeliveryLog
from functions.report import Report
from functions.values import Outcome, Status
from tests.infra.hcl import INFRA, arguments, blocks, of_kind

_METRIC = re.compile(
    r'(\w+) = \{description = "[^"]*", filter = "(.*?)", labels = \{(.*?)\}, latency = (true|false)\}', re.DOTALL
)


def _metrics() -> dict[str, tuple[str, str, dict[str, str]]]:
    """Give each metric's function, the kind of line that it counts, and its labels with the fields they come from."""
    (text,) = (
        value
        for block in blocks(INFRA)
        if block.kind == "locals"
        for name, value in arguments(block.body).items()
        if name == "metrics"
    )
    found = {}
    for name, filters, labels, _ in _METRIC.findall(text):
        (function,) = re.findall(r"local\.function_logs\.(\w+)", filters)
        (kind,) = re.findall(r'jsonPayload\.kind=\\"([\w-]+)\\"', filters)
        found[name] = (function, kind, dict(re.findall(r'(\w+) = "([\w.]+)"', labels)))
    return found


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    """One line of each kind that the webhook writes, as Cloud Logging makes an entry of it."""
    outcome = Outcome(name="push", namespace="ns", status=Status.CREATED, verified=True, milliseconds=12.5)
    report = Report(
        listener="el", namespace="ns", listener_uid="u", event_id="e", repository="o/r", outcomes=(outcome,)
    )
    DeliveryLog({"delivery": "e", "event": "push"}, trace="").reported(report, 34.5)
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {entry["kind"]: entry for entry in entries}


def test_the_metrics_are_those_of_the_three_functions() -> None:
    assert {name: (function, kind) for name, (function, kind, _) in _metrics().items()} == {
        "deliveries": ("webhook", "delivery"),
        "delivery_latency": ("webhook", "delivery"),
        "triggers": ("webhook", "trigger"),
        "dispatches": ("dispatch", "dispatch"),
        "sweeps": ("redeliver", "sweep"),
    }


@pytest.mark.parametrize("metric", ["deliveries", "delivery_latency", "triggers"])
def test_a_metrics_labels_are_in_the_line(metric: str, lines: dict[str, dict[str, object]]) -> None:
    _, kind, labels = _metrics()[metric]
    entry = lines[kind]
    logged = entry["logging.googleapis.com/labels"]
    assert isinstance(logged, dict)

    for field in labels.values():
        place, _, name = field.partition(".")
        assert name in (logged if place == "labels" else entry), field


def test_the_latency_is_a_number_in_the_line(lines: dict[str, dict[str, object]]) -> None:
    assert lines["delivery"]["milliseconds"] == 34.5
    resource = of_kind(INFRA, "resource")["google_logging_metric.this"]

    assert "EXTRACT(jsonPayload.milliseconds)" in resource.body["value_extractor"]


def test_no_label_comes_from_what_is_not_signed() -> None:
    """Whoever sends a delivery chooses its event's name and id: as labels they would make time series without end."""
    used = {field for _, _, labels in _metrics().values() for field in labels.values()}

    assert used.isdisjoint({"labels.event", "labels.delivery", "labels.repository"})


def test_alerts_and_charts_name_metrics_that_exist() -> None:
    text = (INFRA / "alerts.tf").read_text() + (INFRA / "dashboard.tf").read_text()

    assert set(re.findall(r"local\.promql\.(\w+)", text)) == set(_metrics())
