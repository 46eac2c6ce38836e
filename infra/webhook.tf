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

  # Before a delivery runs again, GitHub is asked whether it sent it again: as the sweep, unless github says as whom.
  reruns          = var.redelivery == "rerun" && var.redeliver_enabled
  reruns_as_sweep = local.reruns && length(local.github_secrets) == 0
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
  secrets = {
    for id in setunion(local.hmac_secrets, local.cluster_secrets, local.rerun_secrets, local.github_secrets, local.told_secrets) :
    id => local.secret_ids[id]
  }

  environment = merge(
    local.cluster_environment,
    local.reruns_as_sweep ? local.sweep_environment : local.github_environment,
    local.told_environment,
    {
      TRIGGERS_SOURCE     = var.triggers_source
      EVENT_LISTENER      = var.event_listener
      SECRETS_SOURCE      = var.secrets_source == "cluster" ? "cluster" : "secret-manager://${var.project}"
      SECRET_ID_FORMAT    = var.secret_id_format
      UNVERIFIED_TRIGGERS = var.unverified_triggers
      GITHUB_API_URL      = var.github_api_url
      GITHUB_HOOKS        = local.reruns ? join(",", var.redeliver.hooks) : ""
      QUEUE_TOPIC         = var.queue_enabled ? local.queue_topic : ""
      QUEUE_MODE          = var.queue_enabled ? var.queue.mode : ""
    },
  )

  depends_on = [time_sleep.build, google_pubsub_topic.queue]
}
