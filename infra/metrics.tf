# Log-based metrics: counted from the lines that the functions write to standard output (docs/reply.md).
# No label comes from an unsigned header (event, delivery id) or grows with use (repository): a stranger could otherwise
# make time series without end, which cost money and have a limit.

locals {
  function_logs = {
    for function in ["webhook", "dispatch", "redeliver", "report", "reconcile"] :
    function => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}-${function}\" AND resource.labels.location=\"${var.region}\""
  }

  metrics = var.monitoring_enabled ? merge(
    {
      deliveries = {
        description = "Deliveries by outcome: accepted, rejected, failed, unavailable, bad-request."
        filter      = "${local.function_logs.webhook} AND jsonPayload.kind=\"delivery\""
        labels      = { outcome = "labels.outcome", listener = "labels.listener", status = "jsonPayload.status" }
        latency     = false
      }
      delivery_latency = {
        description = "Milliseconds from a delivery's arrival to its reply, as the function sees it (GitHub waits 10 s)."
        filter      = "${local.function_logs.webhook} AND jsonPayload.kind=\"delivery\""
        labels      = { outcome = "labels.outcome", listener = "labels.listener" }
        latency     = true
      }
      triggers = {
        description = "Outcomes by trigger, without the filtered ones of deliveries that more than 50 triggers filter: created, duplicate, queued, filtered, rejected, superseded, failed."
        filter      = "${local.function_logs.webhook} AND jsonPayload.kind=\"trigger\""
        labels      = { outcome = "labels.outcome", listener = "labels.listener", trigger = "labels.trigger" }
        latency     = false
      }
    },
    var.queue_enabled ? {
      dispatches = {
        description = "Queued triggers by outcome: created, duplicate, superseded, failed, dead-lettered, retry."
        filter      = "${local.function_logs.dispatch} AND jsonPayload.kind=\"dispatch\""
        labels      = { outcome = "labels.outcome" }
        latency     = false
      }
    } : {},
    var.redeliver_enabled ? {
      sweeps = {
        description = "Runs of the redelivery sweep, by severity of what they had to say."
        filter      = "${local.function_logs.redeliver} AND jsonPayload.kind=\"sweep\""
        labels      = { severity = "severity" }
        latency     = false
      }
    } : {},
    local.runs_watched ? {
      hints = {
        description = "Tekton's events of runs that are told of or of a concurrency group, and events without the key, by HTTP status and severity."
        filter      = "${local.function_logs.report} AND jsonPayload.kind=\"report\""
        labels      = { status = "jsonPayload.status", severity = "severity" }
        latency     = false
      }
      reconciles = {
        description = "Runs of reconcile, by severity of what they had to say."
        filter      = "${local.function_logs.reconcile} AND jsonPayload.kind=\"reconcile\""
        labels      = { severity = "severity" }
        latency     = false
      }
    } : {},
  ) : {}

  # A metric NAME/x of this kind is logging_googleapis_com:user_NAME_x in PromQL, with everything that is no letter,
  # digit or _ replaced by _. The resource type has to be said, since a log-based metric belongs to several.
  promql = {
    for metric in ["deliveries", "delivery_latency", "triggers", "dispatches", "sweeps", "hints", "reconciles"] :
    metric => "logging_googleapis_com:user_${replace(var.name, "-", "_")}_${metric}"
  }
}

resource "google_logging_metric" "this" {
  for_each = local.metrics

  project          = var.project
  name             = "${var.name}/${each.key}"
  description      = each.value.description
  filter           = each.value.filter
  label_extractors = { for label, field in each.value.labels : label => "EXTRACT(${field})" }
  value_extractor  = each.value.latency ? "EXTRACT(jsonPayload.milliseconds)" : null

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = each.value.latency ? "DISTRIBUTION" : "INT64"
    unit         = each.value.latency ? "ms" : "1"
    display_name = "${var.name}: ${replace(each.key, "_", " ")}"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  # 1 ms to about 65 s in steps of 1.5: the 8 s that a delivery may take lie well inside.
  dynamic "bucket_options" {
    for_each = each.value.latency ? [true] : []

    content {
      exponential_buckets {
        num_finite_buckets = 28
        growth_factor      = 1.5
        scale              = 1
      }
    }
  }

  depends_on = [google_project_service.this]
}
