# All conditions on metrics of our own are PromQL with validation off: a threshold on a metric that was made a moment ago
# is refused ("could take up to 10 minutes to become available"), which would fail the first apply.

locals {
  deliveries  = "${local.promql.deliveries}{monitored_resource=\"cloud_run_revision\"}"
  failures    = "${local.promql.deliveries}{monitored_resource=\"cloud_run_revision\",outcome=~\"failed|unavailable\"}"
  verified    = "${local.promql.deliveries}{monitored_resource=\"cloud_run_revision\",outcome=~\"accepted|failed|unavailable\"}"
  accepted    = "${local.promql.deliveries}{monitored_resource=\"cloud_run_revision\",outcome=\"accepted\"}"
  arrived     = "${local.promql.deliveries}{monitored_resource=\"cloud_run_revision\",outcome=~\"failed|unavailable|rejected\"}"
  rejected    = "${local.promql.deliveries}{monitored_resource=\"cloud_run_revision\",outcome=\"rejected\"}"
  failed      = "${local.promql.triggers}{monitored_resource=\"cloud_run_revision\",outcome=\"failed\"}"
  dead_letter = "pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\",subscription_id=\"${var.name}-dead-letters\"}"
  oldest      = "pubsub_googleapis_com:subscription_oldest_unacked_message_age{monitored_resource=\"pubsub_subscription\",subscription_id=\"${var.name}-dispatch\"}"
  sweep_fails = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${var.name}-redeliver\",response_code_class=~\"4xx|5xx\"}"

  untold      = "${local.promql.reconciles}{monitored_resource=\"cloud_run_revision\",severity=~\"WARNING|ERROR\"}"
  keyless     = "${local.promql.hints}{monitored_resource=\"cloud_run_revision\",status=\"401\"}"
  reconciling = "run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${var.name}-reconcile\",response_code_class=~\"4xx|5xx\"}"

  budget = 1 - var.alerts.objective

  # The share of verified deliveries that failed, over a long and a short window: both above the rate means that it goes on.
  burning = {
    for name, burn in { fast = { rate = 14.4, long = "1h", short = "5m" }, slow = { rate = 6, long = "6h", short = "30m" } } :
    name => join(" and ", [
      for window in [burn.long, burn.short] :
      "(sum(increase(${local.failures}[${window}])) / sum(increase(${local.verified}[${window}]))) > ${format("%.6f", burn.rate * local.budget)}"
    ])
  }

  alerts = var.monitoring_enabled ? merge(
    {
      trigger-failed = {
        title    = "a trigger failed"
        query    = "sum by (listener, trigger) (increase(${local.failed}[10m])) > 0"
        duration = "0s"
        severity = "ERROR"
        text     = "A trigger should have run and did not. Its reason stands in the log line with jsonPayload.kind=\"trigger\" and labels.outcome=\"failed\", and in the reply on GitHub's Recent Deliveries page. 422 needs a mended trigger, template or right; 503 passes when the cluster or Secret Manager is back."
      }
      rejected = {
        title    = "many deliveries with a wrong signature"
        query    = "sum(increase(${local.rejected}[10m])) > ${var.alerts.rejected_per_10_minutes}"
        duration = "0s"
        severity = "WARNING"
        text     = "Either somebody is guessing, which costs nothing but instances, or the key was changed at GitHub or in Secret Manager only. Compare the hook's last change with the secret's versions; every enabled version is accepted, so add the new key before GitHub uses it."
      }
      error-budget-fast = {
        title    = "error budget burns 14 times too fast"
        query    = local.burning.fast
        duration = "0s"
        severity = "CRITICAL"
        text     = "In the last hour so many verified deliveries failed that the budget of 28 days is gone in two. Look at the outcomes by trigger: one trigger, or all of them (cluster, kubeconfig, Secret Manager)?"
      }
      error-budget-slow = {
        title    = "error budget burns 6 times too fast"
        query    = local.burning.slow
        duration = "0s"
        severity = "ERROR"
        text     = "For six hours so many verified deliveries failed that the budget of 28 days is gone in five."
      }
    },
    var.alerts.no_success_hours > 0 ? {
      no-success = {
        title    = "no successful delivery for ${var.alerts.no_success_hours} hours"
        query    = "sum(increase(${local.arrived}[${var.alerts.no_success_hours}h])) > 0 and (sum(increase(${local.accepted}[${var.alerts.no_success_hours}h])) or vector(0)) < 1"
        duration = "0s"
        severity = "WARNING"
        text     = "Deliveries arrived in this time, and every one of them was rejected or failed. Has the key been changed on one side only? GitHub's Recent Deliveries page has each one's reason."
      }
    } : {},
    var.alerts.silence_hours > 0 ? {
      silence = {
        title    = "silence for ${var.alerts.silence_hours} hours"
        query    = "(sum(increase(${local.accepted}[${var.alerts.silence_hours}h])) or vector(0)) < 1"
        duration = "0s"
        severity = "WARNING"
        text     = "GitHub's hook may be disabled or deleted, its URL changed, or nobody pushed. Set alerts.silence_hours to 0 where that is usual."
      }
    } : {},
    var.queue_enabled ? {
      dead-letters = {
        title    = "dead letters"
        query    = "sum(${local.dead_letter}) > 0"
        duration = "0s"
        severity = "ERROR"
        text     = "What was queued could not be made, ever or in time. The command line lists the dead letters with their reasons and replays them once the cause is mended. They are kept ${var.queue.dead_letter_retention}."
      }
      queue-stuck = {
        title    = "the queue is stuck"
        query    = "max(${local.oldest}) > ${var.alerts.queue_age_minutes * 60}"
        duration = "300s"
        severity = "ERROR"
        text     = "The oldest queued trigger waits for more than ${var.alerts.queue_age_minutes} minutes: the cluster is down, or the worker ${var.name}-dispatch fails. Its log says which."
      }
    } : {},
    var.redeliver_enabled ? {
      sweep-failed = {
        title    = "the redelivery sweep fails"
        query    = "sum(increase(${local.sweep_fails}[1h])) > 2"
        duration = "0s"
        severity = "ERROR"
        text     = "${var.name}-redeliver answers with errors: is GitHub's token valid, may it read and redeliver the hooks' deliveries? Deliveries are forgotten after three days."
      }
    } : {},
    var.statuses_enabled ? {
      statuses-untold = {
        title    = "statuses could not be told"
        query    = "sum(increase(${local.untold}[1h])) > 2"
        duration = "0s"
        severity = "ERROR"
        text     = "${var.name}-reconcile left commits whose status is not what the cluster says, several times in a row. Its log says why: a token without the right to write statuses, a rate limit of GitHub, or runs that may not be listed. docs/status.md has each failure."
      }
    } : {},
    local.runs_watched ? {
      reconcile-failed = {
        title    = "reconcile fails"
        query    = "sum(increase(${local.reconciling}[1h])) > 2"
        duration = "0s"
        severity = "ERROR"
        text     = "${var.name}-reconcile answers with errors, so what Tekton's events did not tell is told by nobody, and runs that wait may go on waiting. Its log says why."
      }
      hints-rejected = {
        title    = "Tekton's events come without the report key"
        query    = "sum(increase(${local.keyless}[1h])) > 10"
        duration = "0s"
        severity = "WARNING"
        text     = "Either somebody is guessing, or the sink in the ConfigMap config-events has another key than the secret ${var.statuses.report_key_secret}: statuses, and runs that wait for their turn, then wait for ${var.name}-reconcile. Every enabled version of the secret is accepted; the output sink_command writes the newest into the sink."
      }
    } : {},
  ) : {}
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  project               = var.project
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.title

    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = each.value.duration
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }

  documentation {
    subject   = "${var.name} (${var.project}): ${each.value.title}"
    content   = each.value.text
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.this]
}

resource "google_monitoring_uptime_check_config" "webhook" {
  count = var.monitoring_enabled ? 1 : 0

  project      = var.project
  display_name = "${var.name}: GET /"
  timeout      = "10s"
  period       = "300s"
  user_labels  = local.labels

  http_check {
    path           = "/"
    port           = 443
    use_ssl        = true
    validate_ssl   = true
    request_method = "GET"
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = coalesce(var.uptime_host, trimprefix(module.webhook.url, "https://"))
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "uptime" {
  count = var.monitoring_enabled ? 1 : 0

  project               = var.project
  display_name          = "${var.name}: not reachable"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "GET / fails from two regions or more"

    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.label.check_id=\"${google_monitoring_uptime_check_config.webhook[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    subject   = "${var.name} (${var.project}): not reachable"
    content   = "GET / does not answer 200. GitHub's deliveries fail meanwhile and are not sent again by themselves: the sweep does that (redeliver_enabled)."
    mime_type = "text/markdown"
  }
}
