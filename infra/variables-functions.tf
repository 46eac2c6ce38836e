# Sizes of the functions. The defaults are for the article's case: some deliveries a minute, most of each spent waiting
# for the cluster.

variable "runtime" {
  description = "Python runtime of the functions."
  type        = string
  default     = "python312"
  nullable    = false

  validation {
    condition     = contains(["python311", "python312", "python313", "python314"], var.runtime)
    error_message = "runtime must be python311, python312, python313 or python314."
  }
}

variable "webhook" {
  description = <<-EOT
    Size of the public function. cpu 1 is the least that may serve more than one request at a time. concurrency is also the number of
    threads (THREADS): raise memory with it. min_instances 1 spares the first delivery after a pause the cold start, for a price (README).
    max_instances bounds what a flood can cost and how many connections the cluster sees. timeout_seconds leaves room for a cold start around
    the 8 s that a delivery may take. ingress is ALLOW_INTERNAL_AND_GCLB behind a load balancer with Cloud Armor (README).
  EOT
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(number, 1)
    concurrency     = optional(number, 16)
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 10)
    timeout_seconds = optional(number, 30)
    ingress         = optional(string, "ALLOW_ALL")
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.webhook.memory))
    error_message = "webhook.memory must be a size such as 512Mi or 1Gi."
  }
  validation {
    condition     = var.webhook.concurrency >= 1 && var.webhook.concurrency <= 250 && (var.webhook.concurrency == 1 || var.webhook.cpu >= 1)
    error_message = "webhook.concurrency must be 1 to 250, and 1 when webhook.cpu is less than 1: Cloud Run serves several requests at a time only on a whole CPU."
  }
  validation {
    condition     = var.webhook.min_instances >= 0 && var.webhook.min_instances <= var.webhook.max_instances && var.webhook.max_instances >= 1
    error_message = "webhook.min_instances must be 0 to webhook.max_instances, which must be at least 1."
  }
  validation {
    condition     = var.webhook.timeout_seconds >= 10 && var.webhook.timeout_seconds <= 3600
    error_message = "webhook.timeout_seconds must be 10 to 3600: a delivery may take 8 s."
  }
  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_AND_GCLB"], var.webhook.ingress)
    error_message = "webhook.ingress must be ALLOW_ALL or ALLOW_INTERNAL_AND_GCLB: GitHub is on the internet."
  }
}

variable "public_access" {
  description = "How GitHub gets in: allUsers binds everybody to the webhook's Cloud Run service. invoker-check-off binds nobody, for organisations that forbid allUsers: the command in the output invoker_check_command switches the check off."
  type        = string
  default     = "allUsers"
  nullable    = false

  validation {
    condition     = contains(["allUsers", "invoker-check-off"], var.public_access)
    error_message = "public_access must be allUsers or invoker-check-off."
  }
}

variable "dispatch" {
  description = "Size of the queue's worker, as in webhook. max_instances times concurrency bounds what reaches a cluster that has just come back."
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(number, 1)
    concurrency     = optional(number, 8)
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 3)
    timeout_seconds = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.dispatch.memory))
    error_message = "dispatch.memory must be a size such as 512Mi or 1Gi."
  }
  validation {
    condition     = var.dispatch.concurrency >= 1 && var.dispatch.concurrency <= 250 && (var.dispatch.concurrency == 1 || var.dispatch.cpu >= 1)
    error_message = "dispatch.concurrency must be 1 to 250, and 1 when dispatch.cpu is less than 1."
  }
  validation {
    condition     = var.dispatch.min_instances >= 0 && var.dispatch.min_instances <= var.dispatch.max_instances && var.dispatch.max_instances >= 1
    error_message = "dispatch.min_instances must be 0 to dispatch.max_instances, which must be at least 1."
  }
  validation {
    condition     = var.dispatch.timeout_seconds >= 10 && var.dispatch.timeout_seconds <= 600
    error_message = "dispatch.timeout_seconds must be 10 to 600: it is the acknowledgement deadline too, which Pub/Sub limits to 600 s."
  }
}

variable "vpc" {
  description = "Network through which the functions reach a cluster without a public address (direct VPC egress). Only private addresses go that way, unless egress is VPC_EGRESS_ALL_TRAFFIC. Null: straight to the internet."
  type = object({
    network    = string
    subnetwork = string
    tags       = optional(list(string), [])
    egress     = optional(string, "VPC_EGRESS_PRIVATE_RANGES_ONLY")
  })
  default = null

  validation {
    condition     = var.vpc == null || contains(["VPC_EGRESS_PRIVATE_RANGES_ONLY", "VPC_EGRESS_ALL_TRAFFIC"], try(var.vpc.egress, ""))
    error_message = "vpc.egress must be VPC_EGRESS_PRIVATE_RANGES_ONLY or VPC_EGRESS_ALL_TRAFFIC."
  }
}
