locals {
  charted = join("|", concat(["webhook", "dispatch", "redeliver"], local.runs_watched ? ["report", "reconcile"] : []))

  charts = concat(
    [
      {
        title = "Deliveries by outcome, a minute"
        query = "sum by (outcome) (rate(${local.deliveries}[$${__interval}])) * 60"
      },
      {
        title = "Triggers by outcome, a minute"
        query = "sum by (trigger, outcome) (rate(${local.promql.triggers}{monitored_resource=\"cloud_run_revision\"}[$${__interval}])) * 60"
      },
      {
        title = "Latency of deliveries, ms (p50)"
        query = "histogram_quantile(0.5, sum by (le) (rate(${local.promql.delivery_latency}_bucket{monitored_resource=\"cloud_run_revision\"}[$${__interval}])))"
      },
      {
        title = "Latency of deliveries, ms (p99; GitHub gives up at 10,000)"
        query = "histogram_quantile(0.99, sum by (le) (rate(${local.promql.delivery_latency}_bucket{monitored_resource=\"cloud_run_revision\"}[$${__interval}])))"
      },
      {
        title = "Rejected signatures, a minute"
        query = "sum by (listener) (rate(${local.rejected}[$${__interval}])) * 60"
      },
      {
        title = "Failed triggers, a minute"
        query = "sum by (trigger) (rate(${local.failed}[$${__interval}])) * 60"
      },
      {
        title = "Share of verified deliveries that fail, over an hour (budget ${format("%.4f", local.budget)})"
        query = "sum(increase(${local.failures}[1h])) / sum(increase(${local.verified}[1h]))"
      },
      {
        title = "Instances"
        query = "sum by (service_name) (run_googleapis_com:container_instance_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name}-(${local.charted})\"})"
      },
      {
        title = "Start-up latency of instances, ms (p95)"
        query = "histogram_quantile(0.95, sum by (le, service_name) (rate(run_googleapis_com:container_startup_latencies_bucket{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name}-(${local.charted})\"}[$${__interval}])))"
      },
      {
        title = "Memory in use (p99, share)"
        query = "histogram_quantile(0.99, sum by (le, service_name) (rate(run_googleapis_com:container_memory_utilizations_bucket{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name}-(${local.charted})\"}[$${__interval}])))"
      },
    ],
    var.queue_enabled ? [
      {
        title = "Queued triggers by outcome, a minute"
        query = "sum by (outcome) (rate(${local.promql.dispatches}{monitored_resource=\"cloud_run_revision\"}[$${__interval}])) * 60"
      },
      {
        title = "Age of the oldest queued trigger, s"
        query = "max(${local.oldest})"
      },
      {
        title = "Dead letters"
        query = "sum(${local.dead_letter})"
      },
    ] : [],
    var.redeliver_enabled ? [
      {
        title = "Sweeps by severity, an hour"
        query = "sum by (severity) (increase(${local.promql.sweeps}{monitored_resource=\"cloud_run_revision\"}[1h]))"
      },
    ] : [],
    local.runs_watched ? [
      {
        title = "Tekton's events by status, a minute"
        query = "sum by (status) (rate(${local.promql.hints}{monitored_resource=\"cloud_run_revision\"}[$${__interval}])) * 60"
      },
      {
        title = "Runs of reconcile by severity, an hour"
        query = "sum by (severity) (increase(${local.promql.reconciles}{monitored_resource=\"cloud_run_revision\"}[1h]))"
      },
    ] : [],
  )

  # Two charts a row; the mosaic has 48 columns.
  tiles = [
    for index, chart in local.charts : {
      xPos   = (index % 2) * 24
      yPos   = floor(index / 2) * 16
      width  = 24
      height = 16
      widget = {
        title = chart.title
        xyChart = {
          dataSets = [{ plotType = "LINE", targetAxis = "Y1", timeSeriesQuery = { prometheusQuery = chart.query } }]
          yAxis    = { scale = "LINEAR" }
        }
      }
    }
  ]
}

resource "google_monitoring_dashboard" "this" {
  count = var.monitoring_enabled ? 1 : 0

  project = var.project
  dashboard_json = jsonencode({
    displayName  = var.name
    labels       = { for key, value in local.labels : key => "" }
    mosaicLayout = { columns = 48, tiles = local.tiles }
  })

  depends_on = [google_project_service.this]
}
