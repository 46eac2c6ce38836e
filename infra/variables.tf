# What is deployed, and where. The functions' sizes, their settings, secrets, GitHub and watching have files of their own.

variable "project" {
  description = "ID of the Google Cloud project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project ID (6 to 30 lower-case letters, digits and -), not its name or number."
  }
}

variable "region" {
  description = "Region of the functions, the source bucket and the image repository. Near the cluster is better than near GitHub."
  type        = string
  default     = "us-central1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as us-central1 or europe-west1, not a zone."
  }
}

variable "name" {
  description = "Name of this deployment, which begins the name of everything that it makes."
  type        = string
  default     = "pipehook"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,17}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 19 lower-case letters, digits and -, beginning with a letter: NAME-redeliver must fit a service account's 30 characters."
  }
}

variable "labels" {
  description = "Labels of everything that can carry labels. app is added."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels must be lower-case letters, digits, _ and -, up to 63 characters."
  }
}

variable "enable_apis" {
  description = "Whether to switch on the Google Cloud APIs that are needed. They stay on when this is destroyed."
  type        = bool
  default     = true
  nullable    = false
}

variable "iam_wait_seconds" {
  description = "How long to wait, once, between making an identity or a right and its first use, until all of Google knows it. Raise it where the first apply still fails, or apply again."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.iam_wait_seconds >= 0 && floor(var.iam_wait_seconds) == var.iam_wait_seconds
    error_message = "iam_wait_seconds must be a whole number of at least 0."
  }
}

variable "source_directory" {
  description = "Directory with main.py, requirements.txt and functions/. Defaults to this repository."
  type        = string
  default     = null

  validation {
    condition     = var.source_directory == null || can(regex("^[^~]", var.source_directory))
    error_message = "source_directory must be a path that does not begin with ~, which Terraform does not expand."
  }
}

variable "triggers_directory" {
  description = "Directory with the trigger manifests to deploy. Defaults to the triggers beside this file. Without effect when triggers_source is cluster."
  type        = string
  default     = null

  validation {
    condition     = var.triggers_directory == null || can(regex("^[^~]", var.triggers_directory))
    error_message = "triggers_directory must be a path that does not begin with ~, which Terraform does not expand."
  }
}

variable "source_retention_days" {
  description = "How many days a replaced source archive is kept, for a rollback without the repository."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.source_retention_days >= 1 && floor(var.source_retention_days) == var.source_retention_days
    error_message = "source_retention_days must be a whole number of at least 1."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the secrets that it made. Set to false, apply, then destroy."
  type        = bool
  default     = true
  nullable    = false
}
