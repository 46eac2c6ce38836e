# What becomes the functions' environment. docs/configuration.md explains each.

variable "triggers_source" {
  description = "Where the triggers are read from: infra/triggers (deployed with the function) or cluster (needs the component read-triggers)."
  type        = string
  default     = "infra/triggers"
  nullable    = false

  validation {
    condition     = contains(["infra/triggers", "cluster"], var.triggers_source)
    error_message = "triggers_source must be infra/triggers or cluster."
  }
}

variable "event_listener" {
  description = "EventListener to serve, as NAME or NAMESPACE/NAME. Needless when there is exactly one; empty with several lets the path choose."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", var.event_listener))
    error_message = "event_listener must be empty, NAME or NAMESPACE/NAME."
  }
}

variable "namespace" {
  description = "Namespace of manifests that name none."
  type        = string
  default     = "default"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace must be a namespace's name."
  }
}

variable "secrets_source" {
  description = "Where secretRefs are looked up: secret-manager (in this project) or cluster (Kubernetes Secrets, as Tekton does)."
  type        = string
  default     = "secret-manager"
  nullable    = false

  validation {
    condition     = contains(["secret-manager", "cluster"], var.secrets_source)
    error_message = "secrets_source must be secret-manager or cluster."
  }
}

variable "secret_id_format" {
  description = "How a secretRef becomes a Secret Manager id: {name}, or {namespace}_{name} to keep tenants apart."
  type        = string
  default     = "{name}"
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]|[{]name[}]|[{]namespace[}])+$", var.secret_id_format)) && strcontains(var.secret_id_format, "{name}")
    error_message = "secret_id_format must hold {name}, may hold {namespace}, and otherwise letters, digits, - and _."
  }
}

variable "redelivery" {
  description = "What GitHub's Redeliver button does: deduplicate (nothing, if the delivery had run) or rerun (a new run, once the earlier one has finished)."
  type        = string
  default     = "deduplicate"
  nullable    = false

  validation {
    condition     = contains(["deduplicate", "rerun"], var.redelivery)
    error_message = "redelivery must be deduplicate or rerun."
  }
}

variable "outbound_hosts" {
  description = "Hosts (host or host:port) that custom interceptors, webhooks and CloudEvents may reach over plain http or at a private address."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for host in var.outbound_hosts : can(regex("^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$", host))])
    error_message = "outbound_hosts must be host or host:port, without a scheme or a path."
  }
}

variable "unverified_triggers" {
  description = "What happens to triggers that verify nothing: refuse or allow. The URL is public: with allow, anybody can run them."
  type        = string
  default     = "refuse"
  nullable    = false

  validation {
    condition     = contains(["refuse", "allow"], var.unverified_triggers)
    error_message = "unverified_triggers must be refuse or allow."
  }
}

variable "dry_run" {
  description = "Whether to render and report only, creating nothing. No kubeconfig is needed then."
  type        = bool
  default     = false
  nullable    = false
}

variable "tracing" {
  description = "Whether the stages are traced with OpenTelemetry to Cloud Trace, which is told before the reply."
  type        = bool
  default     = false
  nullable    = false
}
