variable "namespace" {
  description = "Namespace that the runs are created in. It must exist."
  type        = string
  default     = "goldstine-lab"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace must be a namespace's name."
  }
}

variable "name" {
  description = "Name of the ServiceAccount, the Roles and their bindings."
  type        = string
  default     = "pipehook"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.name))
    error_message = "name must be lower-case letters, digits and -."
  }
}

variable "users" {
  description = "Identities beside the ServiceAccount, as the cluster names them: for GKE the e-mail address of each function's service account, else what the cluster makes of a Google identity token (docs/clusters.md)."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for user in var.users : user != "" && !startswith(user, "system:")])
    error_message = "users must be names of users, none of Kubernetes' own (system:…)."
  }
}

variable "labels" {
  description = "Labels of everything made here. app.kubernetes.io/name is added."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "create" {
  description = "What the templates create: API group -> plural resource names. create and get of these is all that is granted; get tells a duplicate from a stranger's object."
  type        = map(set(string))
  default     = { "tekton.dev" = ["pipelineruns"] }
  nullable    = false

  validation {
    condition     = alltrue(flatten([for resources in values(var.create) : [for resource in resources : can(regex("^[a-z0-9]+$", resource))]]))
    error_message = "create must be plural resource names such as pipelineruns, by API group (the core group is \"\"); no *."
  }
}

variable "read_triggers" {
  description = "Whether the second Role is made, which reads the Triggers objects in namespace: for TRIGGERS_SOURCE=cluster."
  type        = bool
  default     = false
  nullable    = false
}

variable "tell_statuses" {
  description = "Whether the Role is made that gets and lists PipelineRuns and TaskRuns: for statuses."
  type        = bool
  default     = false
  nullable    = false
}

variable "status_users" {
  description = "Names of further users who get and list runs with tell_statuses, and patch them with concurrency: report and reconcile, where the kubeconfig holds no token (infra's output cluster_readers)."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "concurrency" {
  description = "Whether a Role is made that lists and patches the PipelineRuns in namespace: for pipehook.dev/concurrency-group."
  type        = bool
  default     = false
  nullable    = false
}

variable "read_secrets" {
  description = "Names of the Kubernetes Secrets that may be read: for SECRETS_SOURCE=cluster. Each by name, never all."
  type        = set(string)
  default     = []
  nullable    = false
}
