# Mistakes are refused at the plan, by the variable that has them.

mock_provider "google" {
  source = "./tests/mocks"
}
mock_provider "archive" {
  source = "./tests/mocks"
}
mock_provider "time" {}
mock_provider "github" {}

variables {
  # `terraform test` wants an ephemeral variable to be set for the apply when it was defaulted in the plan.
  secret_values      = {}
  source_directory   = "./tests/source"
  triggers_directory = "./tests/source/manifests"
  project            = "example-project"
}

run "project" {
  command = plan
  variables {
    project = "My Project"
  }
  expect_failures = [var.project]
}

run "name" {
  command = plan
  variables {
    name = "a-name-that-is-far-too-long"
  }
  expect_failures = [var.name]
}

run "webhook_concurrency" {
  command = plan
  variables {
    webhook = { cpu = 0.5 }
  }
  expect_failures = [var.webhook]
}

run "webhook_instances" {
  command = plan
  variables {
    webhook = { min_instances = 5, max_instances = 2 }
  }
  expect_failures = [var.webhook]
}

run "webhook_ingress" {
  command = plan
  variables {
    webhook = { ingress = "ALLOW_INTERNAL_ONLY" }
  }
  expect_failures = [var.webhook]
}

run "runtime" {
  command = plan
  variables {
    runtime = "python39"
  }
  expect_failures = [var.runtime]
}

run "public_access" {
  command = plan
  variables {
    public_access = "everybody"
  }
  expect_failures = [var.public_access]
}

run "iam_wait_seconds" {
  command = plan
  variables {
    iam_wait_seconds = 1.5
  }
  expect_failures = [var.iam_wait_seconds]
}

run "silence" {
  command = plan
  variables {
    alerts = { silence_hours = 48 }
  }
  expect_failures = [var.alerts]
}

run "event_listener" {
  command = plan
  variables {
    event_listener = "a/b/c"
  }
  expect_failures = [var.event_listener]
}

run "secret_id_format" {
  command = plan
  variables {
    secret_id_format = "{namespace}"
  }
  expect_failures = [var.secret_id_format]
}

run "outbound_hosts" {
  command = plan
  variables {
    outbound_hosts = ["http://ci.example.com"]
  }
  expect_failures = [var.outbound_hosts]
}

run "queue" {
  command = plan
  variables {
    queue = { max_attempts = 3 }
  }
  expect_failures = [var.queue]
}

run "queue_backoff" {
  command = plan
  variables {
    queue = { min_backoff = "700s", max_backoff = "700s" }
  }
  expect_failures = [var.queue]
}

run "redeliver_lookback" {
  command = plan
  variables {
    redeliver = { lookback_hours = 100 }
  }
  expect_failures = [var.redeliver]
}

run "redeliver_app" {
  command = plan
  variables {
    redeliver = { app_id = "1" }
  }
  expect_failures = [var.redeliver]
}

run "alerts" {
  command = plan
  variables {
    alerts = { objective = 1 }
  }
  expect_failures = [var.alerts]
}

run "notification_channels" {
  command = plan
  variables {
    notification_channels = ["somebody@example.com"]
  }
  expect_failures = [var.notification_channels]
}

run "github_webhook_secret" {
  command = plan
  variables {
    github_repositories = ["app"]
  }
  expect_failures = [var.github_webhook_secret]
}

run "unverified_triggers_are_warned_of" {
  command = plan
  variables {
    unverified_triggers = "allow"
  }
  expect_failures = [check.listeners_are_verified]
}

run "secret_ids_of_two_readings_are_warned_of" {
  command = plan
  variables {
    secret_id_format = "{namespace}-{name}"
  }
  expect_failures = [check.tenants_are_kept_apart]
}

run "sweeps_that_look_back_too_little_are_warned_of" {
  command = plan
  variables {
    redeliver_enabled = true
    redeliver         = { hooks = ["app"], token_secret = "github-token", lookback_hours = 1 }
  }
  expect_failures = [check.sweep_is_frequent_enough]
}
