locals {
  apis = toset(concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "cloudresourcemanager.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ],
    var.monitoring_enabled ? ["monitoring.googleapis.com"] : [],
    var.queue_enabled || var.secret_rotation != null ? ["pubsub.googleapis.com"] : [],
    var.redeliver_enabled || local.runs_watched ? ["cloudscheduler.googleapis.com"] : [],
    var.tracing ? ["cloudtrace.googleapis.com"] : [],
  ))
}

resource "google_project_service" "this" {
  for_each = var.enable_apis ? local.apis : toset([])

  project            = var.project
  service            = each.value
  disable_on_destroy = false # others in the project may use it
}
