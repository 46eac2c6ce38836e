# Tekton Pipelines' CloudEvents -> report -> GitHub: what became of a run is shown at its commit. An event may be lost, so
# Cloud Scheduler -> reconcile -> GitHub: what is shown is compared with the cluster. The same two let the next run of a
# concurrency group begin, for which nobody needs to be known at GitHub.

locals {
  runs_watched = var.statuses_enabled || var.concurrency_enabled

  # Who the functions are at GitHub: for statuses, and for interceptors without a secretRef of their own.
  github_environment = {
    GITHUB_TOKEN_SECRET   = var.github.token_secret == "" ? "" : "projects/${var.project}/secrets/${var.github.token_secret}"
    GITHUB_APP_ID         = var.github.app_id
    GITHUB_APP_KEY_SECRET = var.github.app_key_secret == "" ? "" : "projects/${var.project}/secrets/${var.github.app_key_secret}"
  }

  # How whatever makes runs, or looks at them, tells GitHub.
  told_environment = var.statuses_enabled ? {
    GITHUB_API_URL         = var.github_api_url
    STATUS_API             = var.statuses.api
    STATUS_TARGET_URL      = var.statuses.target_url
    GITLAB_API_URL         = var.statuses.gitlab_token_secret == "" ? "" : var.statuses.gitlab_api_url
    GITLAB_TOKEN_SECRET    = var.statuses.gitlab_token_secret == "" ? "" : "projects/${var.project}/secrets/${var.statuses.gitlab_token_secret}"
    BITBUCKET_API_URL      = var.statuses.bitbucket_token_secret == "" ? "" : var.statuses.bitbucket_api_url
    BITBUCKET_TOKEN_SECRET = var.statuses.bitbucket_token_secret == "" ? "" : "projects/${var.project}/secrets/${var.statuses.bitbucket_token_secret}"
  } : {}

  # report and reconcile only look at runs: a kubeconfig of their own need have no right to make any.
  runs_secret = var.statuses.kubeconfig_secret == "" ? var.kubeconfig_secret : var.statuses.kubeconfig_secret

  runs_environment = merge(var.statuses_enabled ? local.github_environment : {}, local.told_environment, {
    NAMESPACE         = var.namespace
    KUBECONFIG_SECRET = "projects/${var.project}/secrets/${local.runs_secret}"
    CLUSTERS          = local.cluster_environment.CLUSTERS
  })

  sink_commands = [
    for function in module.report : <<-EOT
      gcloud secrets versions access latest --project=${var.project} --secret=${var.statuses.report_key_secret} \
        | jq -Rs --arg host '${trimprefix(function.url, "https://")}' '{data: {formats: "tektonv1", sink: "https://report:\(.)@\($host)/"}}' \
        | kubectl patch configmap config-events --namespace=tekton-pipelines --type=merge --patch-file=/dev/stdin
    EOT
  ]
}

module "report" {
  source = "./modules/function"
  count  = local.runs_watched ? 1 : 0

  project        = var.project
  region         = var.region
  name           = "${var.name}-report"
  description    = "Shows at GitHub what became of a run that Tekton's events name, and lets the next of its concurrency group begin."
  entry_point    = "report"
  runtime        = var.runtime
  source_archive = local.source_archive
  build          = local.build
  labels         = local.labels
  vpc            = var.vpc
  size           = var.report
  ingress        = var.report.ingress
  # Tekton cannot show an identity of Google's; each event brings the report key, and is a hint only.
  invokers = var.public_access == "allUsers" ? { everyone = "allUsers" } : {}
  secrets  = { for id in setunion(local.runs_secrets, local.report_secrets) : id => local.secret_ids[id] }

  environment = merge(local.runs_environment, {
    REPORT_KEY_SECRET = "projects/${var.project}/secrets/${var.statuses.report_key_secret}"
  })

  depends_on = [time_sleep.build]
}

module "reconcile" {
  source = "./modules/function"
  count  = local.runs_watched ? 1 : 0

  project        = var.project
  region         = var.region
  name           = "${var.name}-reconcile"
  description    = "Compares what GitHub shows with the cluster's runs, and settles their concurrency groups."
  entry_point    = "reconcile"
  runtime        = var.runtime
  source_archive = local.source_archive
  build          = local.build
  labels         = local.labels
  vpc            = var.vpc
  ingress        = "ALLOW_INTERNAL_ONLY" # Cloud Scheduler of the same project counts as internal at the run.app name
  invokers       = { scheduler = google_service_account.scheduler[0].member }
  secrets        = { for id in local.runs_secrets : id => local.secret_ids[id] }

  # Two sweeps at a time would ask GitHub the same questions twice.
  size = {
    memory          = var.reconcile.memory
    cpu             = var.reconcile.cpu
    concurrency     = 1
    min_instances   = 0
    max_instances   = 1
    timeout_seconds = var.reconcile.timeout_seconds
  }

  environment = merge(local.runs_environment, {
    RECONCILE_LOOKBACK_HOURS = tostring(var.reconcile.lookback_hours)
  })

  depends_on = [time_sleep.build]
}

resource "google_cloud_scheduler_job" "reconcile" {
  count = local.runs_watched ? 1 : 0

  project          = var.project
  region           = var.region
  name             = "${var.name}-reconcile"
  description      = "Compares what GitHub shows with the cluster's runs, and settles their concurrency groups."
  schedule         = var.reconcile.schedule
  time_zone        = var.reconcile.time_zone
  attempt_deadline = "${var.reconcile.timeout_seconds + 30}s"

  retry_config {
    retry_count = 0 # the next run compares the same
  }

  http_target {
    http_method = "POST"
    uri         = module.reconcile[0].url

    oidc_token {
      service_account_email = google_service_account.scheduler[0].email
      audience              = module.reconcile[0].url
    }
  }
}
