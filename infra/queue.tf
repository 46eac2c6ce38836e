# webhook -> topic -> push subscription -> dispatch -> cluster; what can never be made, or was tried too often, goes to
# the dead-letter topic, whose subscription keeps it until somebody replays it.

resource "google_pubsub_topic" "queue" {
  #checkov:skip=CKV_GCP_83:Google's keys encrypt the queue; a key of one's own is a decision for the whole project
  count = var.queue_enabled ? 1 : 0

  project = var.project
  name    = "${var.name}-queue"
  labels  = local.labels

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic" "dead_letters" {
  #checkov:skip=CKV_GCP_83:Google's keys encrypt the queue; a key of one's own is a decision for the whole project
  count = var.queue_enabled ? 1 : 0

  project = var.project
  name    = "${var.name}-dead-letters"
  labels  = local.labels

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "webhook_publishes" {
  count = var.queue_enabled ? 1 : 0

  project = var.project
  topic   = google_pubsub_topic.queue[0].name
  role    = "roles/pubsub.publisher"
  member  = module.webhook.service_account_member
}

module "dispatch" {
  source = "./modules/function"
  count  = var.queue_enabled ? 1 : 0

  project        = var.project
  region         = var.region
  name           = "${var.name}-dispatch"
  description    = "Creates what was queued."
  entry_point    = "dispatch"
  runtime        = var.runtime
  source_archive = local.source_archive
  build          = local.build
  labels         = local.labels
  tracing        = var.tracing
  vpc            = var.vpc
  size           = var.dispatch
  ingress        = "ALLOW_INTERNAL_ONLY" # Pub/Sub of the same project counts as internal at the run.app name
  invokers       = { push = google_service_account.push[0].member }
  secrets        = { for id in setunion(local.cluster_secrets, local.told_secrets) : id => local.secret_ids[id] }

  environment = merge(local.cluster_environment, var.statuses_enabled ? local.github_environment : {}, local.told_environment, {
    DEAD_LETTER_TOPIC = local.dead_letter_topic
  })

  depends_on = [time_sleep.build, google_pubsub_topic.dead_letters]
}

resource "google_pubsub_topic_iam_member" "dispatch_gives_up" {
  count = var.queue_enabled ? 1 : 0

  project = var.project
  topic   = google_pubsub_topic.dead_letters[0].name
  role    = "roles/pubsub.publisher"
  member  = module.dispatch[0].service_account_member
}

# Whom Pub/Sub speaks as when it calls dispatch. It may do nothing else.
resource "google_service_account" "push" {
  count = var.queue_enabled ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-push"
  display_name = "${var.name}-push"
  description  = "Identity of Pub/Sub's calls of ${var.name}-dispatch."

  depends_on = [google_project_service.this]
}

# Pub/Sub's own identity is made when the project first uses Pub/Sub; a binding to it fails before.
resource "time_sleep" "pubsub_agent" {
  count = var.queue_enabled ? 1 : 0

  create_duration = "${var.iam_wait_seconds}s"
  triggers        = { topic = google_pubsub_topic.queue[0].id }
}

resource "google_service_account_iam_member" "pubsub_speaks_as_push" {
  count = var.queue_enabled ? 1 : 0

  service_account_id = google_service_account.push[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  depends_on = [time_sleep.pubsub_agent]
}

resource "google_pubsub_subscription" "dispatch" {
  count = var.queue_enabled ? 1 : 0

  project                    = var.project
  name                       = "${var.name}-dispatch"
  topic                      = google_pubsub_topic.queue[0].id
  labels                     = local.labels
  ack_deadline_seconds       = var.dispatch.timeout_seconds
  message_retention_duration = var.queue.retention

  push_config {
    push_endpoint = module.dispatch[0].url

    oidc_token {
      service_account_email = google_service_account.push[0].email
      audience              = module.dispatch[0].url
    }
  }

  retry_policy {
    minimum_backoff = var.queue.min_backoff
    maximum_backoff = var.queue.max_backoff
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters[0].id
    max_delivery_attempts = var.queue.max_attempts
  }

  expiration_policy {
    ttl = "" # never: a queue that nobody needed for a month must still be there
  }

  depends_on = [google_service_account_iam_member.pubsub_speaks_as_push, google_pubsub_topic_iam_member.pubsub_gives_up]
}

# Pub/Sub itself moves what was tried too often: it takes from the one and puts into the other.
resource "google_pubsub_topic_iam_member" "pubsub_gives_up" {
  count = var.queue_enabled ? 1 : 0

  project = var.project
  topic   = google_pubsub_topic.dead_letters[0].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent

  depends_on = [time_sleep.pubsub_agent]
}

resource "google_pubsub_subscription_iam_member" "pubsub_takes" {
  count = var.queue_enabled ? 1 : 0

  project      = var.project
  subscription = google_pubsub_subscription.dispatch[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# A topic without a subscription loses what it is given.
resource "google_pubsub_subscription" "dead_letters" {
  count = var.queue_enabled ? 1 : 0

  project                    = var.project
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters[0].id
  labels                     = local.labels
  ack_deadline_seconds       = 60
  message_retention_duration = var.queue.dead_letter_retention

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription_iam_member" "operators_read" {
  for_each = var.queue_enabled ? var.dead_letter_operators : toset([])

  project      = var.project
  subscription = google_pubsub_subscription.dead_letters[0].name
  role         = "roles/pubsub.subscriber"
  member       = each.value
}

resource "google_pubsub_topic_iam_member" "operators_replay" {
  for_each = var.queue_enabled ? var.dead_letter_operators : toset([])

  project = var.project
  topic   = google_pubsub_topic.queue[0].name
  role    = "roles/pubsub.publisher"
  member  = each.value
}
