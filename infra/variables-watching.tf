# Metrics, dashboard, alerts, uptime check.

variable "monitoring_enabled" {
  description = "Whether metrics, the dashboard, alert policies and the uptime check are made."
  type        = bool
  default     = true
  nullable    = false
}

variable "notification_channels" {
  description = "Notification channels of the alerts, as projects/PROJECT/notificationChannels/ID. Without one, incidents show in the console only."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "notification_channels must be projects/PROJECT/notificationChannels/ID; gcloud beta monitoring channels list shows them."
  }
}

variable "alerts" {
  description = <<-EOT
    rejected_per_10_minutes: deliveries with a missing or wrong signature above which somebody is guessing, or a key was changed on one side only.
    no_success_hours: hours in which deliveries arrived and none of them was accepted; 0 switches it off. silence_hours: hours without one accepted delivery;
    0, the default, switches it off, as it fires on quiet weekends. objective: share of verified deliveries that succeed, over 28 days. queue_age_minutes: age
    of the oldest message above which the worker is stuck or the cluster down.
  EOT
  type = object({
    rejected_per_10_minutes = optional(number, 20)
    no_success_hours        = optional(number, 24)
    silence_hours           = optional(number, 0)
    objective               = optional(number, 0.995)
    queue_age_minutes       = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.alerts.rejected_per_10_minutes >= 1 && var.alerts.queue_age_minutes >= 1
    error_message = "alerts.rejected_per_10_minutes and alerts.queue_age_minutes must be at least 1."
  }
  validation {
    condition     = alltrue([for hours in [var.alerts.no_success_hours, var.alerts.silence_hours] : hours >= 0 && hours <= 24])
    error_message = "alerts.no_success_hours and alerts.silence_hours must be 0 (off) to 24: an alert looks back 25 hours at most."
  }
  validation {
    condition     = var.alerts.objective >= 0.5 && var.alerts.objective < 1
    error_message = "alerts.objective must be 0.5 to less than 1, such as 0.995."
  }
}

variable "uptime_host" {
  description = "Host that the uptime check asks (GET /), when it is not the function's own: the load balancer's name, with ingress ALLOW_INTERNAL_AND_GCLB."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9.-]*$", var.uptime_host))
    error_message = "uptime_host must be a host name without scheme or path."
  }
}
