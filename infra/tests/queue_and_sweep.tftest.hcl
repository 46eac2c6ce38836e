# Queue, worker, dead letters and sweep: who may do what to whom.

mock_provider "google" {
  source = "./tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

variables {
  # `terraform test` wants an ephemeral variable to be set for the apply when it was defaulted in the plan.
  secret_values         = {}
  source_directory      = "./tests/source"
  triggers_directory    = "./tests/source/manifests"
  project               = "example-project"
  queue_enabled         = true
  redeliver_enabled     = true
  dead_letter_operators = ["group:operators@example.com"]
  redeliver = {
    hooks        = ["repos/example/app/hooks/1", "orgs/example/hooks/2"]
    token_secret = "github-token"
  }
}

run "connects_the_parts" {
  assert {
    condition     = keys(output.functions) == ["dispatch", "redeliver", "webhook"]
    error_message = "All three functions are needed."
  }
  assert {
    condition     = google_pubsub_subscription.dispatch[0].push_config[0].push_endpoint == module.dispatch[0].url && google_pubsub_subscription.dispatch[0].push_config[0].oidc_token[0].audience == module.dispatch[0].url
    error_message = "Pub/Sub must call dispatch at its run.app URL, which is the token's audience too."
  }
  assert {
    condition     = google_pubsub_subscription.dispatch[0].dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead_letters[0].id && google_pubsub_subscription.dispatch[0].dead_letter_policy[0].max_delivery_attempts == 100
    error_message = "What was tried a hundred times is a dead letter."
  }
  assert {
    condition     = google_pubsub_subscription.dead_letters[0].topic == google_pubsub_topic.dead_letters[0].id && google_pubsub_subscription.dead_letters[0].message_retention_duration == "2592000s"
    error_message = "Dead letters must be kept by a subscription."
  }
  assert {
    condition     = google_pubsub_subscription.dispatch[0].expiration_policy[0].ttl == "" && google_pubsub_subscription.dead_letters[0].expiration_policy[0].ttl == ""
    error_message = "Subscriptions must not expire."
  }
  assert {
    condition     = google_pubsub_subscription.dispatch[0].ack_deadline_seconds == var.dispatch.timeout_seconds
    error_message = "Pub/Sub must wait as long as dispatch may take."
  }
  assert {
    condition     = google_cloud_scheduler_job.redeliver[0].http_target[0].uri == module.redeliver[0].url && google_cloud_scheduler_job.redeliver[0].http_target[0].oidc_token[0].audience == module.redeliver[0].url
    error_message = "Cloud Scheduler must call redeliver at its run.app URL."
  }
}

run "tells_each_function_what_it_needs" {
  command = plan

  assert {
    condition     = output.environment.webhook.QUEUE_TOPIC == "projects/example-project/topics/${google_pubsub_topic.queue[0].name}" && output.environment.webhook.QUEUE_MODE == "overflow"
    error_message = "The webhook must know its queue."
  }
  assert {
    condition     = output.environment.dispatch.DEAD_LETTER_TOPIC == "projects/example-project/topics/${google_pubsub_topic.dead_letters[0].name}" && output.environment.dispatch.THREADS == "8"
    error_message = "dispatch must know where dead letters go."
  }
  assert {
    condition     = output.environment.redeliver.GITHUB_HOOKS == "repos/example/app/hooks/1,orgs/example/hooks/2" && output.environment.redeliver.GITHUB_TOKEN_SECRET == "projects/example-project/secrets/github-token" && output.environment.redeliver.THREADS == "1"
    error_message = "redeliver must know hooks and token, and sweep once at a time."
  }
  assert {
    condition     = !contains(keys(output.environment.redeliver), "KUBECONFIG_SECRET") && !contains(keys(output.environment.dispatch), "SECRETS_SOURCE") && !contains(keys(output.environment.webhook), "GITHUB_TOKEN_SECRET")
    error_message = "No function is told of secrets that it does not read."
  }
}

run "lets_each_do_the_least" {
  command = plan

  assert {
    condition     = local.pubsub_agent == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub's own identity is named after the project's number."
  }
  assert {
    condition     = google_service_account_iam_member.pubsub_speaks_as_push[0].member == local.pubsub_agent && google_service_account_iam_member.pubsub_speaks_as_push[0].role == "roles/iam.serviceAccountTokenCreator"
    error_message = "Pub/Sub must be able to make the push identity's tokens."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.pubsub_gives_up[0].member == local.pubsub_agent && google_pubsub_subscription_iam_member.pubsub_takes[0].member == local.pubsub_agent
    error_message = "Pub/Sub must be able to move dead letters."
  }
  assert {
    condition     = keys(google_pubsub_subscription_iam_member.operators_read) == ["group:operators@example.com"] && keys(google_pubsub_topic_iam_member.operators_replay) == ["group:operators@example.com"]
    error_message = "Operators must be able to read and replay dead letters."
  }
  assert {
    condition     = alltrue([for api in ["pubsub.googleapis.com", "cloudscheduler.googleapis.com"] : contains(keys(google_project_service.this), api)])
    error_message = "Pub/Sub and Cloud Scheduler must be on."
  }
  assert {
    condition     = length(setintersection(["dead-letters", "queue-stuck", "sweep-failed"], keys(google_monitoring_alert_policy.this))) == 3
    error_message = "Queue and sweep have alerts of their own."
  }
}

run "asks_before_a_delivery_runs_again" {
  command = plan

  variables {
    redelivery = "rerun"
  }

  assert {
    condition     = output.environment.webhook.GITHUB_TOKEN_SECRET == "projects/example-project/secrets/github-token" && output.environment.webhook.GITHUB_HOOKS == "repos/example/app/hooks/1,orgs/example/hooks/2"
    error_message = "The webhook must be able to ask GitHub about its hooks."
  }
  assert {
    condition     = contains(local.rerun_secrets, "github-token")
    error_message = "The webhook must be able to read the token."
  }
}

run "sweeps_as_an_app" {
  command = plan

  variables {
    redeliver = {
      hooks          = ["app"]
      app_id         = "12345"
      app_key_secret = "github-app-key"
    }
  }

  assert {
    condition     = output.environment.redeliver.GITHUB_APP_KEY_SECRET == "projects/example-project/secrets/github-app-key" && output.environment.redeliver.GITHUB_APP_ID == "12345" && contains(keys(output.secrets), "github-app-key")
    error_message = "redeliver must know the App and its key."
  }
}

run "does_not_sweep_without_hooks" {
  command = plan

  variables {
    redeliver = { token_secret = "github-token" }
  }

  expect_failures = [google_cloud_scheduler_job.redeliver]
}

run "does_not_sweep_without_a_token" {
  command = plan

  variables {
    redeliver = { hooks = ["app"] }
  }

  expect_failures = [google_cloud_scheduler_job.redeliver]
}
