# The archive holds what runs and nothing else: main.py, requirements.txt, functions/ and the trigger manifests. What
# gcloud uploads is the same (.gcloudignore): a change here is one there.
# Its name is the hash of the contents, so that a change redeploys and nothing else does: not another machine, not
# another version of the archiver, not a change of the tests.

locals {
  source_files = merge(
    { for file in ["main.py", "requirements.txt"] : file => "${local.source_directory}/${file}" },
    {
      for file in fileset(local.source_directory, "functions/**") : file => "${local.source_directory}/${file}"
      if !strcontains(file, "__pycache__/") && !endswith(file, ".pyc") && !can(regex("(^|/)[.]", file)) &&
      # the command line is for people
      !startswith(file, "functions/cli/") && !startswith(file, "functions/lint/") && file != "functions/__main__.py"
    },
    {
      for file in fileset(local.triggers_directory, "**/*.{yaml,yml,json}") : "infra/triggers/${file}" => "${local.triggers_directory}/${file}"
      if var.triggers_source != "cluster" && !can(regex("(^|/)[.]", file))
    },
  )
  source_hash = sha256(jsonencode({ for file, path in local.source_files : file => filesha256(path) }))
  archive     = "${path.root}/.terraform/${var.name}-source.zip"
}

# Makes the archive be written by the apply that uploads it, which may run on another machine than its plan: what a data
# source depends on has changes to come, so it is read after them.
resource "terraform_data" "source" {
  triggers_replace = local.source_hash
}

data "archive_file" "source" {
  type             = "zip"
  output_path      = local.archive
  output_file_mode = "0644"

  dynamic "source" {
    for_each = local.source_files

    content {
      filename = source.key
      content  = file(source.value)
    }
  }

  depends_on = [terraform_data.source]
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:Only builds read it; an access log would need a second bucket, which the rule would ask the same of
  project                     = var.project
  name                        = "${var.project}-${var.name}-source"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # archives are made from the repository; destroying must not stop at them

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.source_retention_days
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${local.source_hash}.zip"
  source = local.archive # as a string, since a path that is known only after the apply would replace the object

  # Without it the provider compares the file, which a plan need not have and another archiver writes otherwise.
  source_md5hash = local.source_hash

  lifecycle {
    create_before_destroy = true # a deployment that fails must still find the archive that runs

    precondition {
      condition     = var.triggers_source == "cluster" || anytrue([for file in keys(local.source_files) : startswith(file, "infra/triggers/")])
      error_message = "There is no manifest (*.yaml) in triggers_directory."
    }
  }

  depends_on = [data.archive_file.source]
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's keys encrypt the images; a key of one's own is a decision for the whole project
  project       = var.project
  location      = var.region
  repository_id = var.name
  description   = "Images that Cloud Build makes of ${var.name}'s functions."
  format        = "DOCKER"
  labels        = local.labels

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.this]
}

# Without an identity of its own, a build runs as the project's default account, which may often do anything.
resource "google_service_account" "build" {
  project      = var.project
  account_id   = "${var.name}-build"
  display_name = "${var.name}-build"
  description  = "Builds the images of ${var.name}'s functions."

  depends_on = [google_project_service.this]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_storage_bucket_iam_member" "build" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

# Cloud Functions copies the archive into a bucket that it makes at the first deployment, and builds from there.
resource "google_project_iam_member" "build_source" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "${var.name}-build-source"
    description = "The buckets in which Cloud Functions keeps its copies of the source"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }
}

# A build's log cannot be bound any closer.
resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# Rights take a while until every part of Google knows them, and a build that starts before fails.
resource "time_sleep" "build" {
  create_duration = "${var.iam_wait_seconds}s"

  triggers = {
    identity = google_service_account.build.unique_id
    images   = google_artifact_registry_repository_iam_member.build.id
    source   = google_storage_bucket_iam_member.build.id
    copies   = google_project_iam_member.build_source.id
    logs     = google_project_iam_member.build_logs.id
  }
}
