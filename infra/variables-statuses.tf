# Statuses at GitHub: what became of a run is shown at its commit. The manifests ask for them (docs/status.md).

variable "statuses_enabled" {
  description = "Whether statuses are told: the webhook tells what it makes, and the functions report and reconcile what becomes of it. Needs github, the cluster's component tell-statuses, and a sink in Tekton Pipelines (output sink_command)."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.statuses_enabled || join("", [var.github.token_secret, var.github.app_id, var.statuses.gitlab_token_secret, var.statuses.bitbucket_token_secret]) != ""
    error_message = "statuses_enabled needs github.token_secret, or github.app_id and github.app_key_secret; or statuses.gitlab_token_secret or statuses.bitbucket_token_secret. For concurrency groups alone, which need none, set concurrency_enabled."
  }
  validation {
    condition     = !var.statuses_enabled || !var.dry_run
    error_message = "statuses_enabled needs runs to tell of: dry_run makes none."
  }
}

variable "concurrency_enabled" {
  description = "Whether report and reconcile are there for concurrency groups alone (docs/concurrency.md), as statuses_enabled has them, too. Needs no token of a provider, but the cluster's component concurrency, and a sink in Tekton Pipelines (output sink_command)."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.concurrency_enabled || !var.dry_run
    error_message = "concurrency_enabled needs runs to look at: dry_run makes none."
  }
}

variable "statuses" {
  description = <<-EOT
    api is statuses, or checks (a check run with a table of tasks; needs an App in github). target_url is where a status leads, with {namespace}, {name},
    {kind} and {context} put in, such as a Tekton Dashboard's. report_key_secret is the Secret Manager id of the key that Tekton's events must bring.
    kubeconfig_secret is that of a kubeconfig which may only get and list runs, and patch them for concurrency groups, for report and reconcile; empty: the webhook's. gitlab_token_secret and
    bitbucket_token_secret are those of the access tokens for commits there.
  EOT
  type = object({
    api               = optional(string, "statuses")
    target_url        = optional(string, "")
    report_key_secret = optional(string, "pipehook-report-key")
    kubeconfig_secret = optional(string, "")

    gitlab_api_url         = optional(string, "https://gitlab.com/api/v4")
    gitlab_token_secret    = optional(string, "")
    bitbucket_api_url      = optional(string, "https://api.bitbucket.org/2.0")
    bitbucket_token_secret = optional(string, "")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["statuses", "checks"], var.statuses.api) && (var.statuses.api == "statuses" || var.github.app_id != "")
    error_message = "statuses.api must be statuses, or checks with an App in github: GitHub takes check runs from Apps alone."
  }
  validation {
    condition     = can(regex("^(https?://[^\\s]+)?$", var.statuses.target_url)) && alltrue([for field in regexall("[{][^}]*[}]", var.statuses.target_url) : contains(["{namespace}", "{name}", "{kind}", "{context}"], field)])
    error_message = "statuses.target_url must be a URL, in which {namespace}, {name}, {kind} and {context} may stand."
  }
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.statuses.report_key_secret)) && alltrue([for id in [var.statuses.kubeconfig_secret, var.statuses.gitlab_token_secret, var.statuses.bitbucket_token_secret] : can(regex("^[A-Za-z0-9_-]{0,255}$", id))])
    error_message = "statuses' secrets must be Secret Manager ids: letters, digits, - and _."
  }
  validation {
    condition     = alltrue([for url in [var.statuses.gitlab_api_url, var.statuses.bitbucket_api_url] : can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._/-]*)?$", url))])
    error_message = "statuses.gitlab_api_url and statuses.bitbucket_api_url must be https URLs without a query."
  }
}

variable "report" {
  description = "Size of report, as in webhook. It is public, as Tekton cannot show an identity of Google's. ingress is ALLOW_INTERNAL_ONLY where the cluster is in the same project's network."
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(number, 1)
    concurrency     = optional(number, 16)
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 3)
    timeout_seconds = optional(number, 30)
    ingress         = optional(string, "ALLOW_ALL")
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.report.memory))
    error_message = "report.memory must be a size such as 512Mi or 1Gi."
  }
  validation {
    condition     = var.report.concurrency >= 1 && var.report.concurrency <= 250 && (var.report.concurrency == 1 || var.report.cpu >= 1)
    error_message = "report.concurrency must be 1 to 250, and 1 when report.cpu is less than 1."
  }
  validation {
    condition     = var.report.min_instances >= 0 && var.report.min_instances <= var.report.max_instances && var.report.max_instances >= 1
    error_message = "report.min_instances must be 0 to report.max_instances, which must be at least 1."
  }
  validation {
    condition     = var.report.timeout_seconds >= 10 && var.report.timeout_seconds <= 3600
    error_message = "report.timeout_seconds must be 10 to 3600: an event may take 8 s."
  }
  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"], var.report.ingress)
    error_message = "report.ingress must be ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  }
}

variable "reconcile" {
  description = "When reconcile compares (cron, in time_zone), and the runs of how many hours: schedule should be well below lookback_hours."
  type = object({
    schedule        = optional(string, "*/10 * * * *")
    time_zone       = optional(string, "Etc/UTC")
    lookback_hours  = optional(number, 24)
    memory          = optional(string, "512Mi")
    cpu             = optional(number, 1)
    timeout_seconds = optional(number, 300)
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(split(" ", var.reconcile.schedule)) == 5
    error_message = "reconcile.schedule must be a cron expression of five fields, such as */10 * * * *."
  }
  validation {
    condition     = var.reconcile.lookback_hours >= 1 && var.reconcile.lookback_hours <= 168
    error_message = "reconcile.lookback_hours must be 1 to 168."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.reconcile.memory)) && var.reconcile.timeout_seconds >= 30 && var.reconcile.timeout_seconds <= 1770
    error_message = "reconcile.memory must be a size such as 512Mi, reconcile.timeout_seconds 30 to 1770: Cloud Scheduler waits 1800 s at most."
  }
}
