variable "url" {
  description = "Payload URL: infra's output webhook_url, with /NAMESPACE/LISTENER where the path chooses the listener."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.url, "https://")
    error_message = "url must be https."
  }
}

variable "repositories" {
  description = "Names of the repositories, of the provider's owner."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "organization" {
  description = "Whether to make one webhook for the whole organisation, which is the provider's owner."
  type        = bool
  default     = false
  nullable    = false
}

variable "events" {
  description = "Events to send: those that the listeners' eventTypes accept."
  type        = set(string)
  default     = ["push"]
  nullable    = false

  validation {
    condition     = length(var.events) > 0
    error_message = "events must not be empty."
  }
}

variable "secret" {
  description = "HMAC key that GitHub signs with. IT IS KEPT IN THE STATE: this provider knows no other way."
  type        = string
  nullable    = false
  sensitive   = true

  validation {
    condition     = length(var.secret) >= 16
    error_message = "secret must have at least 16 characters; openssl rand -hex 32 makes one."
  }
}
