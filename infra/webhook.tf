locals {
  kubeconfig_secret = var.dry_run ? "" : "projects/${var.project}/secrets/${var.kubeconfig_secret}"

  # What everything that creates in the cluster is told.
  cluster_environment = {
    NAMESPACE         = var.namespace
    KUBECONFIG_SECRET = local.kubeconfig_secret
    CLUSTERS          = var.dry_run ? "" : join(",", [for name, id in var.clusters : "${name}=projects/${var.project}/secrets/${id}"])
    DRY_RUN           = tostring(var.dry_run)
    REDELIVERY        = var.redelivery
    OUTBOUND_HOSTS    = join(",", var.outbound_hosts)
    TRACING           = tostring(var.tracing)
  }

  # What is told to everything that asks GitHub about hooks.
  github_environment = {
    GITHUB_HOOKS          = join(",", var.redeliver.hooks)
    GITHUB_TOKEN_SECRET   = var.redeliver.token_secret == "" ? "" : "projects/${var.project}/secrets/${var.redeliver.token_secret}"
    GITHUB_APP_ID         = var.redeliver.app_id
    GITHUB_APP_KEY_SECRET = var.redeliver.app_key_secret == "" ? "" : "projects/${var.project}/secrets/${var.redeliver.app_key_secret}"
  }
}

module "webhook" {
  source = "./modules/function"

  project        = var.project
  region         = var.region
  name           = "${var.name}-webhook"
  description    = "Receives webhooks and creates what the triggers say."
  entry_point    = "webhook"
  runtime        = var.runtime
  source_archive = local.source_archive
  build          = local.build
  labels         = local.labels
  tracing        = var.tracing
  vpc            = var.vpc
  size           = var.webhook
  ingress        = var.webhook.ingress
  # GitHub cannot show an identity of Google's; each delivery's signature is checked.
  invokers = var.public_access == "allUsers" ? { everyone = "allUsers" } : {}
  secrets  = { for id in setunion(local.hmac_secrets, local.cluster_secrets, local.rerun_secrets) : id => local.secret_ids[id] }

  environment = merge(local.cluster_environment, {
    TRIGGERS_SOURCE     = var.triggers_source
    EVENT_LISTENER      = var.event_listener
    SECRETS_SOURCE      = var.secrets_source == "cluster" ? "cluster" : "secret-manager://${var.project}"
    SECRET_ID_FORMAT    = var.secret_id_format
    UNVERIFIED_TRIGGERS = var.unverified_triggers
    GITHUB_API_URL      = var.github_api_url
    QUEUE_TOPIC         = var.queue_enabled ? local.queue_topic : ""
    QUEUE_MODE          = var.queue_enabled ? var.queue.mode : ""
    },
    # Before a delivery runs again, GitHub is asked whether it sent it again: with the sweep's token.
    { for name, value in local.github_environment : name => length(local.rerun_secrets) > 0 ? value : "" },
  )

  depends_on = [time_sleep.build, google_pubsub_topic.queue]
}
