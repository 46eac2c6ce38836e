# The webhook at GitHub. Left empty, nothing is made there: a command in the output does it without the state knowing the secret.

variable "github_api_url" {
  description = "Base of the GitHub API; another one for GitHub Enterprise Server, such as https://github.example.com/api/v3."
  type        = string
  default     = "https://api.github.com"
  nullable    = false

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._/-]*)?$", var.github_api_url))
    error_message = "github_api_url must be an https URL without a query."
  }
}

variable "github" {
  description = "Who the webhook is at GitHub, for statuses and for interceptors without a secretRef of their own: token_secret is the Secret Manager id of a token, or app_id and app_key_secret name a GitHub App and its private key. redeliver has its own, as it needs other rights."
  type = object({
    token_secret   = optional(string, "")
    app_id         = optional(string, "")
    app_key_secret = optional(string, "")
  })
  default  = {}
  nullable = false

  validation {
    condition     = (var.github.app_id == "") == (var.github.app_key_secret == "")
    error_message = "github.app_id and github.app_key_secret go together."
  }
  validation {
    condition     = alltrue([for id in [var.github.token_secret, var.github.app_key_secret] : can(regex("^[A-Za-z0-9_-]{0,255}$", id))])
    error_message = "github.token_secret and github.app_key_secret must be Secret Manager ids: letters, digits, - and _."
  }
}

variable "github_repositories" {
  description = "Repositories (names, of the owner in GITHUB_OWNER) whose webhook Terraform makes. GITHUB_TOKEN must hold a token that may administer hooks. The provider keeps github_webhook_secret in the state."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.github_repositories : can(regex("^[A-Za-z0-9_.-]+$", name))])
    error_message = "github_repositories must be names without the owner, which stands in GITHUB_OWNER."
  }
}

variable "github_organization" {
  description = "Whether Terraform makes one webhook for the whole organisation in GITHUB_OWNER, as with github_repositories."
  type        = bool
  default     = false
  nullable    = false
}

variable "github_events" {
  description = "Events that GitHub sends: those that the listeners' eventTypes accept, no more."
  type        = set(string)
  default     = ["push"]
  nullable    = false

  validation {
    condition     = length(var.github_events) > 0 && alltrue([for event in var.github_events : can(regex("^[a-z_]+$", event))])
    error_message = "github_events must be names of GitHub events, such as push and pull_request."
  }
}

variable "github_webhook_secret" {
  description = "HMAC key that GitHub signs with, the same that the trigger's secret holds. Needed only with github_repositories or github_organization, and then in the state."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.github_webhook_secret == null || length(coalesce(var.github_webhook_secret, "-")) >= 16
    error_message = "github_webhook_secret must have at least 16 characters; openssl rand -hex 32 makes one."
  }
  validation {
    condition     = var.github_webhook_secret != null || (length(var.github_repositories) == 0 && !var.github_organization)
    error_message = "github_repositories and github_organization need github_webhook_secret. To keep it out of the state, leave them empty and use the command in the output github_webhook_command."
  }
}
