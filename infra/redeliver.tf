# Cloud Scheduler -> redeliver -> GitHub, which sends failed deliveries to the webhook again.

locals {
  # Who the sweep is at GitHub.
  sweep_environment = {
    GITHUB_TOKEN_SECRET   = var.redeliver.token_secret == "" ? "" : "projects/${var.project}/secrets/${var.redeliver.token_secret}"
    GITHUB_APP_ID         = var.redeliver.app_id
    GITHUB_APP_KEY_SECRET = var.redeliver.app_key_secret == "" ? "" : "projects/${var.project}/secrets/${var.redeliver.app_key_secret}"
  }
}

module "redeliver" {
  source = "./modules/function"
  count  = var.redeliver_enabled ? 1 : 0

  project        = var.project
  region         = var.region
  name           = "${var.name}-redeliver"
  description    = "Asks GitHub to send failed deliveries again."
  entry_point    = "redeliver"
  runtime        = var.runtime
  source_archive = local.source_archive
  build          = local.build
  labels         = local.labels
  tracing        = var.tracing
  vpc            = var.vpc
  ingress        = "ALLOW_INTERNAL_ONLY" # Cloud Scheduler of the same project counts as internal at the run.app name
  invokers       = { scheduler = google_service_account.scheduler[0].member }
  secrets        = { for id in local.redeliver_secrets : id => local.secret_ids[id] }

  # Two sweeps at a time would ask for the same deliveries twice.
  size = {
    memory          = var.redeliver.memory
    cpu             = var.redeliver.cpu
    concurrency     = 1
    min_instances   = 0
    max_instances   = 1
    timeout_seconds = var.redeliver.timeout_seconds
  }

  environment = merge(local.sweep_environment, {
    GITHUB_API_URL           = var.github_api_url
    GITHUB_HOOKS             = join(",", var.redeliver.hooks)
    REDELIVER_LOOKBACK_HOURS = tostring(var.redeliver.lookback_hours)
    REDELIVER_LIMIT          = tostring(var.redeliver.limit)
    REDELIVER_ATTEMPTS       = tostring(var.redeliver.attempts)
    TRACING                  = tostring(var.tracing)
  })

  depends_on = [time_sleep.build]
}

resource "google_cloud_scheduler_job" "redeliver" {
  count = var.redeliver_enabled ? 1 : 0

  project          = var.project
  region           = var.region
  name             = "${var.name}-redeliver"
  description      = "Asks GitHub to send failed deliveries again."
  schedule         = var.redeliver.schedule
  time_zone        = var.redeliver.time_zone
  attempt_deadline = "${var.redeliver.timeout_seconds + 30}s"

  retry_config {
    retry_count = 1 # the next run finds the same deliveries
  }

  http_target {
    http_method = "POST"
    uri         = module.redeliver[0].url

    oidc_token {
      service_account_email = google_service_account.scheduler[0].email
      audience              = module.redeliver[0].url
    }
  }

  lifecycle {
    precondition {
      condition     = length(var.redeliver.hooks) > 0
      error_message = "redeliver_enabled needs redeliver.hooks: which hooks' deliveries are to be swept."
    }
    precondition {
      condition     = length(local.redeliver_secrets) > 0
      error_message = "redeliver_enabled needs redeliver.token_secret, or redeliver.app_id and redeliver.app_key_secret."
    }
  }
}
