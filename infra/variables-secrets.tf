# Secret Manager secrets. Their values are never in the state: they are added outside, or given through a write-only argument.

variable "webhook_secrets" {
  description = "IDs of the secrets with the HMAC keys and tokens that the triggers' secretRefs name (after secret_id_format). Only the webhook may read them, each by itself."
  type        = set(string)
  default     = ["github-webhook"]
  nullable    = false

  validation {
    condition     = alltrue([for id in var.webhook_secrets : can(regex("^[A-Za-z0-9_-]{1,255}$", id))])
    error_message = "webhook_secrets must be Secret Manager ids: letters, digits, - and _."
  }
}

variable "kubeconfig_secret" {
  description = "ID of the secret with the service-account kubeconfig."
  type        = string
  default     = "pipehook-kubeconfig"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.kubeconfig_secret))
    error_message = "kubeconfig_secret must be a Secret Manager id: letters, digits, - and _."
  }
}

variable "clusters" {
  description = "Further clusters: name -> ID of the secret with its kubeconfig. A name is what the annotation pipehook.dev/cluster says."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, id in var.clusters : can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", name)) && can(regex("^[A-Za-z0-9_-]{1,255}$", id))])
    error_message = "clusters must be names of lower-case letters, digits and -, each with a Secret Manager id."
  }
}

variable "cluster_roles" {
  description = "Roles of the functions' identities in the projects of clusters that are reached without a stored token: project -> roles. A GKE address needs none, a DNS endpoint one with container.clusters.connect, the Connect gateway roles/gkehub.gatewayEditor. What they may do in a cluster its RoleBindings say (modules/cluster-access, users)."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue(flatten([for roles in values(var.cluster_roles) : [for role in roles : can(regex("^((projects|organizations)/[a-z0-9:.-]+/)?roles/[A-Za-z0-9_.]+$", role))]]))
    error_message = "cluster_roles must be roles such as roles/gkehub.gatewayEditor or projects/PROJECT/roles/NAME, by project."
  }
}

variable "existing_secrets" {
  description = "IDs, of those above and of redeliver's, github's and statuses', that exist already in the project. They are read and bound, never made or destroyed here: for secrets shared by several deployments."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.existing_secrets : can(regex("^[A-Za-z0-9_-]{1,255}$", id))])
    error_message = "existing_secrets must be Secret Manager ids: letters, digits, - and _."
  }
}

variable "secret_locations" {
  description = "Regions that the secrets' values are kept in. Empty: Google chooses (automatic replication)."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for location in var.secret_locations : can(regex("^[a-z]+-[a-z]+[0-9]+$", location))])
    error_message = "secret_locations must be regions such as europe-west1."
  }
}

variable "secret_rotation" {
  description = "Reminder to rotate: every period (in seconds, as 7776000s), from first (RFC 3339, in the future) on, Secret Manager publishes SECRET_ROTATE to the topic in the output secret_rotation_topic. It needs Secret Manager's own identity in the project (README). Null: no reminder."
  type = object({
    first  = string
    period = optional(string, "7776000s")
  })
  default = null

  validation {
    condition     = var.secret_rotation == null || (can(timeadd(var.secret_rotation.first, "0s")) && can(regex("^[0-9]+s$", var.secret_rotation.period)))
    error_message = "secret_rotation.first must be a time such as 2027-01-01T00:00:00Z and secret_rotation.period seconds such as 7776000s."
  }
}

variable "secret_values" {
  description = "Values to add to secrets made here, by secret id. They stand in neither plan nor state. A value is sent when its number in secret_value_versions is new."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "secret_value_versions" {
  description = "For each id in secret_values a number to raise whenever the value changed. That adds a version and leaves the older one enabled."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for number in values(var.secret_value_versions) : number >= 1 && floor(number) == number])
    error_message = "secret_value_versions must be whole numbers of at least 1."
  }
}
