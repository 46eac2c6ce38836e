# Statuses: who may do what, and who is told of which secret.

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
  queue_enabled      = true
  redeliver_enabled  = true
  redeliver          = { hooks = ["app"], token_secret = "hooks-token" }
  statuses_enabled   = true
  github             = { token_secret = "github-token" }
}

run "connects_the_parts" {
  assert {
    condition     = keys(output.functions) == ["dispatch", "reconcile", "redeliver", "report", "webhook"] && length(toset(values(output.functions))) == 5
    error_message = "All five functions are needed."
  }
  assert {
    condition     = google_cloud_scheduler_job.reconcile[0].http_target[0].uri == module.reconcile[0].url && google_cloud_scheduler_job.reconcile[0].http_target[0].oidc_token[0].audience == module.reconcile[0].url && google_cloud_scheduler_job.reconcile[0].schedule == "*/10 * * * *"
    error_message = "Cloud Scheduler must call reconcile at its run.app URL."
  }
  assert {
    condition     = google_cloud_scheduler_job.reconcile[0].attempt_deadline == "330s"
    error_message = "Cloud Scheduler must wait longer than reconcile may take."
  }
  assert {
    condition     = google_service_account.scheduler[0].description == "Identity of Cloud Scheduler's calls of pipehook-redeliver and pipehook-reconcile."
    error_message = "It says ${google_service_account.scheduler[0].description}"
  }
  assert {
    condition     = strcontains(output.sink_command, "--secret=pipehook-report-key") && strcontains(output.sink_command, "'pipehook-webhook-abc123-uc.a.run.app'") && strcontains(output.sink_command, "patch configmap config-events --namespace=tekton-pipelines")
    error_message = "The command must send Tekton's events to report: ${output.sink_command}"
  }
}

run "tells_each_function_what_it_needs" {
  command = plan

  assert {
    condition = alltrue([
      for function in ["webhook", "dispatch", "report", "reconcile"] :
      output.environment[function].GITHUB_TOKEN_SECRET == "projects/example-project/secrets/github-token" && output.environment[function].STATUS_API == "statuses" && output.environment[function].GITHUB_API_URL == "https://api.github.com" && output.environment[function].KUBECONFIG_SECRET == "projects/example-project/secrets/pipehook-kubeconfig"
    ])
    error_message = "Whoever tells must know how, and where the runs are."
  }
  assert {
    condition     = output.environment.report.REPORT_KEY_SECRET == "projects/example-project/secrets/pipehook-report-key" && output.environment.reconcile.RECONCILE_LOOKBACK_HOURS == "24" && output.environment.reconcile.THREADS == "1"
    error_message = "report must know its key, reconcile how far to look."
  }
  assert {
    condition     = length([for function, environment in output.environment : function if contains(keys(environment), "REPORT_KEY_SECRET")]) == 1 && output.environment.redeliver.GITHUB_TOKEN_SECRET == "projects/example-project/secrets/hooks-token" && !contains(keys(output.environment.redeliver), "STATUS_API")
    error_message = "No function is told of secrets that it does not read."
  }
}

run "lets_each_do_the_least" {
  command = plan

  assert {
    condition     = join(",", local.runs_secrets) == "github-token,pipehook-kubeconfig" && join(",", local.report_secrets) == "pipehook-report-key" && join(",", local.told_secrets) == "github-token"
    error_message = "report and reconcile read the token and the kubeconfig, and report its key."
  }
  assert {
    condition     = contains(keys(google_secret_manager_secret.this), "pipehook-report-key") && contains(keys(google_project_service.this), "cloudscheduler.googleapis.com")
    error_message = "The key needs a secret, and the schedule its API."
  }
  assert {
    condition     = length(setintersection(["hints-rejected", "reconcile-failed", "statuses-untold"], keys(google_monitoring_alert_policy.this))) == 3
    error_message = "Statuses have alerts of their own."
  }
}

run "reads_runs_with_a_kubeconfig_of_its_own" {
  command = plan

  variables {
    statuses = { kubeconfig_secret = "runs-kubeconfig" }
  }

  assert {
    condition     = output.environment.report.KUBECONFIG_SECRET == "projects/example-project/secrets/runs-kubeconfig" && output.environment.reconcile.KUBECONFIG_SECRET == "projects/example-project/secrets/runs-kubeconfig" && output.environment.webhook.KUBECONFIG_SECRET == "projects/example-project/secrets/pipehook-kubeconfig" && !contains(local.runs_secrets, "pipehook-kubeconfig")
    error_message = "report and reconcile must do with the smaller kubeconfig."
  }
}

run "tells_as_an_app_and_others" {
  command = plan

  variables {
    redeliver_enabled = false
    github            = { app_id = "12345", app_key_secret = "github-app-key" }
    statuses          = { api = "checks", gitlab_token_secret = "gitlab-token", bitbucket_token_secret = "bitbucket-token" }
  }

  assert {
    condition     = output.environment.report.GITHUB_APP_KEY_SECRET == "projects/example-project/secrets/github-app-key" && output.environment.webhook.GITHUB_APP_ID == "12345" && output.environment.dispatch.STATUS_API == "checks"
    error_message = "All must know the App and its key."
  }
  assert {
    condition     = join(",", local.told_secrets) == "bitbucket-token,github-app-key,gitlab-token" && output.environment.reconcile.GITLAB_TOKEN_SECRET == "projects/example-project/secrets/gitlab-token" && output.environment.reconcile.BITBUCKET_API_URL == "https://api.bitbucket.org/2.0"
    error_message = "All must know the other providers' tokens."
  }
  assert {
    condition     = google_service_account.scheduler[0].description == "Identity of Cloud Scheduler's calls of pipehook-reconcile."
    error_message = "It says ${google_service_account.scheduler[0].description}"
  }
}

run "settles_groups_without_a_token" {
  command = plan

  variables {
    queue_enabled       = false
    redeliver_enabled   = false
    redeliver           = {}
    github              = {}
    statuses_enabled    = false
    concurrency_enabled = true
  }

  assert {
    condition     = keys(output.functions) == ["reconcile", "report", "webhook"] && !contains(keys(output.environment.report), "GITHUB_TOKEN_SECRET") && !contains(keys(output.environment.webhook), "STATUS_API") && !contains(keys(output.environment.reconcile), "STATUS_API")
    error_message = "report and reconcile are wanted, and nobody is told of anything."
  }
  assert {
    condition     = join(",", local.runs_secrets) == "pipehook-kubeconfig" && join(",", local.report_secrets) == "pipehook-report-key" && length(local.told_secrets) == 0
    error_message = "They read the kubeconfig, and report its key."
  }
  assert {
    condition     = contains(keys(google_monitoring_alert_policy.this), "reconcile-failed") && !contains(keys(google_monitoring_alert_policy.this), "statuses-untold") && contains(keys(google_project_service.this), "cloudscheduler.googleapis.com") && google_cloud_scheduler_job.reconcile[0].schedule == "*/10 * * * *"
    error_message = "The schedule and its alert are wanted, and none about statuses."
  }
}

run "keeps_the_token_to_itself_where_groups_alone_are_settled" {
  command = plan

  variables {
    statuses_enabled    = false
    concurrency_enabled = true
  }

  assert {
    condition     = output.environment.webhook.GITHUB_TOKEN_SECRET == "projects/example-project/secrets/github-token" && !contains(keys(output.environment.reconcile), "GITHUB_TOKEN_SECRET") && !contains(local.runs_secrets, "github-token")
    error_message = "Interceptors may use the token; report and reconcile have no use for it."
  }
}

run "knows_itself_at_github_without_statuses" {
  command = plan

  variables {
    statuses_enabled = false
  }

  assert {
    condition     = output.environment.webhook.GITHUB_TOKEN_SECRET == "projects/example-project/secrets/github-token" && !contains(keys(output.environment.dispatch), "GITHUB_TOKEN_SECRET") && !contains(keys(output.environment.dispatch), "GITHUB_API_URL") && !contains(keys(output.environment.webhook), "STATUS_API") && output.report_url == null && output.sink_command == null
    error_message = "Interceptors may use the token; nothing tells."
  }
}

run "asks_about_redeliveries_as_itself" {
  command = plan

  variables {
    redelivery = "rerun"
  }

  assert {
    condition     = output.environment.webhook.GITHUB_TOKEN_SECRET == "projects/example-project/secrets/github-token" && output.environment.webhook.GITHUB_HOOKS == "app" && length(local.rerun_secrets) == 0
    error_message = "A webhook that has a token of its own must not read the sweep's."
  }
}

run "opens_report_where_allusers_is_forbidden" {
  command = plan

  variables {
    public_access = "invoker-check-off"
  }

  assert {
    condition     = length(regexall("--no-invoker-iam-check", output.invoker_check_command)) == 2 && strcontains(output.invoker_check_command, "update pipehook-report ")
    error_message = "The command has to let Tekton in, too: ${output.invoker_check_command}"
  }
}

run "tells_nobody_without_a_token" {
  command = plan

  variables {
    github = {}
  }

  expect_failures = [var.statuses_enabled]
}

run "tells_nothing_in_a_dry_run" {
  command = plan

  variables {
    dry_run = true
  }

  expect_failures = [var.statuses_enabled]
}

run "settles_no_groups_in_a_dry_run" {
  command = plan

  variables {
    statuses_enabled    = false
    concurrency_enabled = true
    dry_run             = true
  }

  expect_failures = [var.concurrency_enabled]
}

run "refuses_what_cannot_be" {
  command = plan

  variables {
    statuses  = { api = "checks", target_url = "https://tekton.example.com/{run}" }
    report    = { ingress = "ALLOW_EVERYBODY" }
    reconcile = { lookback_hours = 200 }
  }

  expect_failures = [
    var.statuses,
    var.report,
    var.reconcile,
  ]
}
