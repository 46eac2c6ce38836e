# The smallest deployment: the webhook and what it needs. Providers are mocked; nothing is made anywhere.

mock_provider "google" {
  source = "./tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

variables {
  # `terraform test` wants an ephemeral variable to be set for the apply when it was defaulted in the plan.
  secret_values      = {}
  source_directory   = "./tests/source"
  triggers_directory = "./tests/source/manifests"
  project            = "example-project"
}

run "makes_the_webhook_alone" {
  assert {
    condition     = keys(output.functions) == ["webhook"] && output.functions.webhook == "pipehook-webhook"
    error_message = "Only the webhook belongs to the smallest deployment."
  }
  assert {
    condition     = output.webhook_url == "https://pipehook-webhook-abc123-uc.a.run.app"
    error_message = "The output must be the URL of the Cloud Run service."
  }
  assert {
    condition     = output.queue_topic == null && output.dead_letter_topic == null && output.dead_letter_subscription == null && output.secret_rotation_topic == null
    error_message = "Nothing of Pub/Sub is needed without queue and rotation."
  }
  assert {
    condition     = length(module.github_webhook) == 0
    error_message = "No webhook is made at GitHub unless asked for."
  }
}

run "tells_the_webhook_its_settings" {
  command = plan

  assert {
    condition = output.environment.webhook == tomap({
      DRY_RUN              = "false"
      GITHUB_API_URL       = "https://api.github.com"
      GOOGLE_CLOUD_PROJECT = "example-project"
      KUBECONFIG_SECRET    = "projects/example-project/secrets/pipehook-kubeconfig"
      NAMESPACE            = "default"
      REDELIVERY           = "deduplicate"
      SECRETS_SOURCE       = "secret-manager://example-project"
      SECRET_ID_FORMAT     = "{name}"
      THREADS              = "16"
      TRACING              = "false"
      TRIGGERS_SOURCE      = "infra/triggers"
      UNVERIFIED_TRIGGERS  = "refuse"
      WORKERS              = "1"
    })
    error_message = "The webhook's environment is ${jsonencode(output.environment.webhook)}."
  }
}

run "makes_secrets_without_values" {
  command = plan

  assert {
    condition     = keys(google_secret_manager_secret.this) == ["github-webhook", "pipehook-kubeconfig"]
    error_message = "The key and the kubeconfig need a secret each."
  }
  assert {
    condition     = length(google_secret_manager_secret_version.this) == 0
    error_message = "Values are added outside unless secret_value_versions asks for them."
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.this : secret.deletion_protection])
    error_message = "Secrets are protected unless deletion_protection is off."
  }
}

run "switches_on_only_the_apis_it_needs" {
  command = plan

  assert {
    condition     = length(setintersection(keys(google_project_service.this), ["pubsub.googleapis.com", "cloudscheduler.googleapis.com", "cloudtrace.googleapis.com"])) == 0
    error_message = "Pub/Sub, Cloud Scheduler and Cloud Trace are not needed here."
  }
  assert {
    condition     = alltrue([for api in google_project_service.this : !api.disable_on_destroy])
    error_message = "Destroying must leave the APIs on."
  }
}

run "leaves_the_apis_alone_when_told" {
  command = plan

  variables {
    enable_apis = false
  }

  assert {
    condition     = length(google_project_service.this) == 0
    error_message = "enable_apis = false must switch on nothing."
  }
}

run "creates_nothing_in_a_dry_run" {
  command = plan

  variables {
    dry_run = true
  }

  assert {
    condition     = !contains(keys(output.secrets), "pipehook-kubeconfig") && !contains(keys(output.environment.webhook), "KUBECONFIG_SECRET")
    error_message = "A dry run needs no kubeconfig."
  }
}

run "reads_from_the_cluster_when_told" {
  command = plan

  variables {
    triggers_source = "cluster"
    secrets_source  = "cluster"
  }

  assert {
    condition     = output.environment.webhook.TRIGGERS_SOURCE == "cluster" && output.environment.webhook.SECRETS_SOURCE == "cluster"
    error_message = "Both sources must be the cluster."
  }
  assert {
    condition     = keys(output.secrets) == ["pipehook-kubeconfig"]
    error_message = "Keys that are Kubernetes Secrets need no Secret Manager secret."
  }
  assert {
    condition     = length([for file in keys(local.source_files) : file if startswith(file, "infra/triggers/")]) == 0
    error_message = "Manifests that are read from the cluster do not belong into the archive."
  }
}

run "watches" {
  command = plan

  assert {
    condition     = keys(google_logging_metric.this) == ["deliveries", "delivery_latency", "triggers"]
    error_message = "The metrics of the webhook are missing, or there are others."
  }
  assert {
    condition     = google_logging_metric.this["delivery_latency"].value_extractor == "EXTRACT(jsonPayload.milliseconds)" && google_logging_metric.this["deliveries"].value_extractor == null
    error_message = "Only the latency has a value."
  }
  assert {
    condition     = keys(google_monitoring_alert_policy.this) == ["error-budget-fast", "error-budget-slow", "no-success", "rejected", "trigger-failed"]
    error_message = "The alerts of the webhook are missing, or there are others."
  }
  assert {
    condition     = strcontains(local.alerts["error-budget-fast"].query, "> 0.072000") && strcontains(local.alerts["error-budget-slow"].query, "> 0.030000")
    error_message = "14.4 and 6 times the budget of 0.5% are 0.072 and 0.03: ${local.alerts["error-budget-fast"].query}"
  }
  assert {
    condition     = google_monitoring_uptime_check_config.webhook[0].monitored_resource[0].labels.host == "pipehook-webhook-abc123-uc.a.run.app"
    error_message = "The uptime check must ask the function's host."
  }
}

run "watches_nothing_when_told" {
  command = plan

  variables {
    monitoring_enabled = false
  }

  assert {
    condition     = length(google_logging_metric.this) + length(google_monitoring_alert_policy.this) + length(google_monitoring_alert_policy.uptime) + length(google_monitoring_uptime_check_config.webhook) + length(google_monitoring_dashboard.this) == 0
    error_message = "monitoring_enabled = false must make no metric, alert, check or dashboard."
  }
}

run "alerts_on_silence_only_where_wanted" {
  command = plan

  assert {
    condition     = startswith(local.alerts["no-success"].query, "sum(increase(${local.arrived}[24h])) > 0 and ") && !contains(keys(local.alerts), "silence")
    error_message = "Nothing may fire where no delivery arrived: after the first apply, or on a quiet weekend."
  }
}

run "alerts_on_silence_when_told" {
  command = plan

  variables {
    alerts = { no_success_hours = 0, silence_hours = 20 }
  }

  assert {
    condition     = !contains(keys(google_monitoring_alert_policy.this), "no-success") && strcontains(local.alerts["silence"].query, "[20h]")
    error_message = "no_success_hours = 0 must switch one alert off, and silence_hours the other one on."
  }
}

run "binds_nobody_where_allusers_is_forbidden" {
  command = plan

  variables {
    public_access = "invoker-check-off"
  }

  assert {
    condition     = output.invoker_check_command == "gcloud run services update pipehook-webhook --project=example-project --region=us-central1 --no-invoker-iam-check"
    error_message = "The command has to let GitHub in: ${output.invoker_check_command}"
  }
}
