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

  # Names that a function's environment or another resource holds are built from strings: an id that is known only after
  # the apply would make all of an environment unknown, and what it is compared with be replaced.
  queue_topic           = "projects/${var.project}/topics/${var.name}-queue"
  dead_letter_topic     = "projects/${var.project}/topics/${var.name}-dead-letters"
  secret_rotation_topic = "projects/${var.project}/topics/${var.name}-secret-rotation"

  # Google's own identities, which act for Pub/Sub and Secret Manager. The project's number is part of their names. The
  # bucket knows it: a data source would have to wait for its API, and be unknown whenever an API is added.
  pubsub_agent         = "serviceAccount:service-${google_storage_bucket.source.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  secret_manager_agent = "serviceAccount:service-${google_storage_bucket.source.project_number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
}
