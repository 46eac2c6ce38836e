variable "project" {
  description = "Project ID."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the function."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the function, its Cloud Run service and its service account."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "name must be 6 to 30 lower-case letters, digits and -: it is a service account's id, too."
  }
}

variable "description" {
  description = "What the function does, for the console."
  type        = string
  nullable    = false
}

variable "entry_point" {
  description = "Function of main.py that serves."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["webhook", "dispatch", "redeliver", "report", "reconcile"], var.entry_point)
    error_message = "entry_point must be webhook, dispatch, redeliver, report or reconcile."
  }
}

variable "runtime" {
  description = "Python runtime."
  type        = string
  nullable    = false
}

variable "source_archive" {
  description = "Bucket and object of the source archive. The object's name carries the content's hash: another name means another deployment."
  type = object({
    bucket = string
    object = string
  })
  nullable = false
}

variable "build" {
  description = "What builds the image, and where to: ids of the build's service account and of the image repository."
  type = object({
    service_account = string
    repository      = string
  })
  nullable = false
}

variable "environment" {
  description = "Environment variables. Empty ones are left out; THREADS and WORKERS are set from size."
  type        = map(string)
  nullable    = false
}

variable "size" {
  description = "Memory, CPU, requests at a time, instances and time limit."
  type = object({
    memory          = string
    cpu             = number
    concurrency     = number
    min_instances   = number
    max_instances   = number
    timeout_seconds = number
  })
  nullable = false
}

variable "ingress" {
  description = "Where requests may come from: ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"], var.ingress)
    error_message = "ingress must be ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  }
}

variable "invokers" {
  description = "Who may call the function: a name of one's own -> IAM member."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "secrets" {
  description = "Secrets that the function reads: Secret Manager id -> resource id. Each is bound by itself, never the project."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "tracing" {
  description = "Whether the function may write traces."
  type        = bool
  default     = false
  nullable    = false
}

variable "vpc" {
  description = "Network for outgoing calls, or null."
  type = object({
    network    = string
    subnetwork = string
    tags       = list(string)
    egress     = string
  })
  default = null
}

variable "labels" {
  description = "Labels of the function."
  type        = map(string)
  default     = {}
  nullable    = false
}
