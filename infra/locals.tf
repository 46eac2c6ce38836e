locals {
  labels = merge({ app = var.name }, var.labels)

  source_directory   = coalesce(var.source_directory, "${path.module}/..")
  triggers_directory = coalesce(var.triggers_directory, "${path.module}/triggers")

  build = {
    service_account = google_service_account.build.id
    repository      = google_artifact_registry_repository.images.id
  }

  source_archive = {
    bucket = google_storage_bucket.source.name
    object = google_storage_bucket_object.source.name
  }

  # Google's own identities, which act for Pub/Sub and Secret Manager. The project's number is part of their names.
  pubsub_agent         = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  secret_manager_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
}

data "google_project" "this" {
  project_id = var.project

  depends_on = [google_project_service.this]
}
