# Mistakes are refused at the plan, by the variable that has them. Several in one plan, as plans take time: each variable
# listed must refuse, and no other may.

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

run "first_mistakes" {
  command = plan

  variables {
    project               = "My Project"
    name                  = "a-name-that-is-far-too-long"
    webhook               = { cpu = 0.5 }
    runtime               = "python39"
    public_access         = "everybody"
    iam_wait_seconds      = 1.5
    alerts                = { silence_hours = 48 }
    event_listener        = "a/b/c"
    secret_id_format      = "{namespace}"
    outbound_hosts        = ["http://ci.example.com"]
    queue                 = { max_attempts = 3 }
    redeliver             = { lookback_hours = 100 }
    notification_channels = ["somebody@example.com"]
    github_repositories   = ["app"]
    github                = { app_id = "1" }
  }

  expect_failures = [
    var.project,
    var.name,
    var.webhook,
    var.runtime,
    var.public_access,
    var.iam_wait_seconds,
    var.alerts,
    var.event_listener,
    var.secret_id_format,
    var.outbound_hosts,
    var.queue,
    var.redeliver,
    var.notification_channels,
    var.github_webhook_secret,
    var.github,
  ]
}

run "second_mistakes" {
  command = plan

  variables {
    webhook   = { min_instances = 5, max_instances = 2 }
    queue     = { min_backoff = "700s", max_backoff = "700s" }
    redeliver = { app_id = "1" }
    alerts    = { objective = 1 }
  }

  expect_failures = [
    var.webhook,
    var.queue,
    var.redeliver,
    var.alerts,
  ]
}

run "third_mistakes" {
  command = plan

  variables {
    webhook = { ingress = "ALLOW_INTERNAL_ONLY" }
  }

  expect_failures = [
    var.webhook,
  ]
}

run "what_might_be_meant_is_warned_of" {
  command = plan

  variables {
    unverified_triggers = "allow"
    secret_id_format    = "{namespace}-{name}"
    redeliver_enabled   = true
    redeliver           = { hooks = ["app"], token_secret = "github-token", lookback_hours = 1 }
  }

  expect_failures = [
    check.listeners_are_verified,
    check.tenants_are_kept_apart,
    check.sweep_is_frequent_enough,
  ]
}
