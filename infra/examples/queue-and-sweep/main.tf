# Nothing is lost while the cluster is down, or the function itself: the queue keeps what was accepted, the sweep asks
# GitHub for what was not.

module "pipehook" {
  source = "../.."

  project = var.project
  region  = "europe-west1"

  webhook = {
    min_instances = 1 # no cold start for the first push of the morning
  }

  queue_enabled         = true
  dead_letter_operators = [var.operators]

  redeliver_enabled = true
  redeliver = {
    hooks        = var.hooks
    token_secret = "pipehook-github-token"
  }

  secret_locations      = ["europe-west1", "europe-west4"]
  notification_channels = [google_monitoring_notification_channel.email.id]
  tracing               = true
}

resource "google_monitoring_notification_channel" "email" {
  project      = var.project
  display_name = "Pipehook's operators"
  type         = "email"
  labels       = { email_address = var.email }
}
