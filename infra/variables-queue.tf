# The queue with its worker and dead letters, and the sweep that asks GitHub to send failed deliveries again.

variable "queue_enabled" {
  description = "Whether what the cluster cannot take in time is queued, and made later by the function dispatch."
  type        = bool
  default     = false
  nullable    = false
}

variable "queue" {
  description = <<-EOT
    mode overflow queues what the cluster cannot take within the deadline; always queues everything. retention is how long a message that is not acknowledged is
    kept (at most 31 days). Attempts are min_backoff apart at first, max_backoff at last: with the defaults, 100 attempts (Pub/Sub's most) span more
    than 16 hours, so a cluster may be down over night before a message becomes a dead letter. dead_letter_retention is how long it then waits for a replay.
  EOT
  type = object({
    mode                  = optional(string, "overflow")
    retention             = optional(string, "604800s")
    min_backoff           = optional(string, "10s")
    max_backoff           = optional(string, "600s")
    max_attempts          = optional(number, 100)
    dead_letter_retention = optional(string, "2592000s")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["overflow", "always"], var.queue.mode)
    error_message = "queue.mode must be overflow or always."
  }
  validation {
    condition     = var.queue.max_attempts >= 5 && var.queue.max_attempts <= 100
    error_message = "queue.max_attempts must be 5 to 100, Pub/Sub's limits."
  }
  validation {
    condition     = alltrue([for time in [var.queue.retention, var.queue.min_backoff, var.queue.max_backoff, var.queue.dead_letter_retention] : can(regex("^[0-9]+s$", time))])
    error_message = "queue's times must be seconds such as 600s."
  }
  validation {
    condition     = try(tonumber(trimsuffix(var.queue.min_backoff, "s")) <= tonumber(trimsuffix(var.queue.max_backoff, "s")) && tonumber(trimsuffix(var.queue.max_backoff, "s")) <= 600, false)
    error_message = "queue.min_backoff must not be above queue.max_backoff, which must not be above 600s, Pub/Sub's limit."
  }
  validation {
    condition     = try(max(tonumber(trimsuffix(var.queue.retention, "s")), tonumber(trimsuffix(var.queue.dead_letter_retention, "s"))) <= 2678400, false)
    error_message = "queue.retention and queue.dead_letter_retention must be at most 2678400s (31 days)."
  }
}

variable "dead_letter_operators" {
  description = "Members (user:…, group:…) who may read dead letters and put them back into the queue with the command line."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.dead_letter_operators : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):", member))])
    error_message = "dead_letter_operators must be IAM members such as group:operators@example.com."
  }
}

variable "redeliver_enabled" {
  description = "Whether Cloud Scheduler runs the sweep that asks GitHub to send failed deliveries again. Needs redeliver.hooks and a token or an App."
  type        = bool
  default     = false
  nullable    = false
}

variable "redeliver" {
  description = <<-EOT
    hooks are swept: repos/OWNER/REPO/hooks/ID, orgs/ORG/hooks/ID or app. token_secret is the Secret Manager id of a GitHub token, or app_id and app_key_secret name
    a GitHub App and its private key. schedule (cron, in time_zone) should be well below lookback_hours, and lookback_hours at most 72: GitHub forgets after three
    days. limit bounds the deliveries asked for in one run, attempts those of one delivery.
  EOT
  type = object({
    hooks           = optional(list(string), [])
    token_secret    = optional(string, "")
    app_id          = optional(string, "")
    app_key_secret  = optional(string, "")
    schedule        = optional(string, "*/15 * * * *")
    time_zone       = optional(string, "Etc/UTC")
    lookback_hours  = optional(number, 72)
    limit           = optional(number, 100)
    attempts        = optional(number, 5)
    memory          = optional(string, "512Mi")
    cpu             = optional(number, 1)
    timeout_seconds = optional(number, 300)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for hook in var.redeliver.hooks : can(regex("^(repos/[\\w.-]+/[\\w.-]+/hooks/[0-9]+|orgs/[\\w.-]+/hooks/[0-9]+|app)$", hook))])
    error_message = "redeliver.hooks must be repos/OWNER/REPO/hooks/ID, orgs/ORG/hooks/ID or app."
  }
  validation {
    condition     = (var.redeliver.app_id == "") == (var.redeliver.app_key_secret == "")
    error_message = "redeliver.app_id and redeliver.app_key_secret go together."
  }
  validation {
    condition     = alltrue([for id in [var.redeliver.token_secret, var.redeliver.app_key_secret] : can(regex("^[A-Za-z0-9_-]{0,255}$", id))])
    error_message = "redeliver.token_secret and redeliver.app_key_secret must be Secret Manager ids: letters, digits, - and _."
  }
  validation {
    condition     = length(split(" ", var.redeliver.schedule)) == 5
    error_message = "redeliver.schedule must be a cron expression of five fields, such as */15 * * * *."
  }
  validation {
    condition     = var.redeliver.lookback_hours >= 1 && var.redeliver.lookback_hours <= 72
    error_message = "redeliver.lookback_hours must be 1 to 72: GitHub forgets deliveries after three days."
  }
  validation {
    condition     = var.redeliver.limit >= 1 && var.redeliver.limit <= 10000 && var.redeliver.attempts >= 1 && var.redeliver.attempts <= 20
    error_message = "redeliver.limit must be 1 to 10000 and redeliver.attempts 1 to 20."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.redeliver.memory)) && var.redeliver.timeout_seconds >= 30 && var.redeliver.timeout_seconds <= 1770
    error_message = "redeliver.memory must be a size such as 512Mi, redeliver.timeout_seconds 30 to 1770: Cloud Scheduler waits 1800 s at most."
  }
}
