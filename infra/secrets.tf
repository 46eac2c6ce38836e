locals {
  redeliver_secrets = toset(var.redeliver_enabled ? compact([var.redeliver.token_secret, var.redeliver.app_key_secret]) : [])
  hmac_secrets      = var.secrets_source == "secret-manager" ? var.webhook_secrets : toset([])
  github_secrets    = toset(compact([var.github.token_secret, var.github.app_key_secret]))
  rerun_secrets     = local.reruns_as_sweep ? local.redeliver_secrets : toset([]) # GitHub is asked before a delivery runs again
  cluster_secrets   = var.dry_run ? toset([]) : toset(concat([var.kubeconfig_secret], values(var.clusters)))
  told_secrets      = var.statuses_enabled ? setunion(local.github_secrets, compact([var.statuses.gitlab_token_secret, var.statuses.bitbucket_token_secret])) : toset([])
  runs_secrets      = local.runs_watched ? setunion(local.told_secrets, [local.runs_secret], values(var.clusters)) : toset([])
  report_secrets    = toset(local.runs_watched ? [var.statuses.report_key_secret] : [])

  secrets = setunion(
    local.hmac_secrets, local.cluster_secrets, local.redeliver_secrets, local.github_secrets, local.runs_secrets, local.report_secrets,
  )
  made_secrets = setsubtract(local.secrets, var.existing_secrets)

  # Built from the id, not from the resource, so that a secret made elsewhere is bound in the same way.
  secret_ids = { for id in local.secrets : id => contains(local.made_secrets, id) ? google_secret_manager_secret.this[id].id : "projects/${var.project}/secrets/${id}" }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.made_secrets

  project             = var.project
  secret_id           = each.value
  labels              = local.labels
  deletion_protection = var.deletion_protection

  replication {
    dynamic "auto" {
      for_each = length(var.secret_locations) == 0 ? [true] : []

      content {}
    }

    dynamic "user_managed" {
      for_each = length(var.secret_locations) == 0 ? [] : [var.secret_locations]

      content {
        dynamic "replicas" {
          for_each = user_managed.value

          content {
            location = replicas.value
          }
        }
      }
    }
  }

  dynamic "rotation" {
    for_each = var.secret_rotation == null ? [] : [var.secret_rotation]

    content {
      next_rotation_time = rotation.value.first
      rotation_period    = rotation.value.period
    }
  }

  dynamic "topics" {
    for_each = google_pubsub_topic.secret_rotation

    content {
      name = local.secret_rotation_topic
    }
  }

  lifecycle {
    # Secret Manager moves it on at every reminder; the first one is all that is configured.
    ignore_changes = [rotation[0].next_rotation_time]
  }

  depends_on = [google_project_service.this, time_sleep.secret_rotation]
}

# Write-only: the value goes to Secret Manager and is kept in neither plan nor state.
resource "google_secret_manager_secret_version" "this" {
  for_each = var.secret_value_versions

  secret                 = google_secret_manager_secret.this[each.key].id
  secret_data_wo         = var.secret_values[each.key]
  secret_data_wo_version = tostring(each.value)
  deletion_policy        = "ABANDON" # a replaced version stays enabled until its owner disables it: both keys verify meanwhile

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = contains(local.made_secrets, each.key)
      error_message = "secret_value_versions names ${each.key}, which is no secret that is made here: it makes ${join(", ", local.made_secrets)}."
    }
  }
}

resource "google_pubsub_topic" "secret_rotation" {
  #checkov:skip=CKV_GCP_83:A reminder carries a secret's name and no value
  count = var.secret_rotation == null ? 0 : 1

  project = var.project
  name    = "${var.name}-secret-rotation"
  labels  = local.labels

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "secret_rotation" {
  count = var.secret_rotation == null ? 0 : 1

  project = var.project
  topic   = google_pubsub_topic.secret_rotation[0].name
  role    = "roles/pubsub.publisher"
  member  = local.secret_manager_agent
}

# Secret Manager refuses a topic that it may not publish to yet.
resource "time_sleep" "secret_rotation" {
  count = var.secret_rotation == null ? 0 : 1

  create_duration = "${var.iam_wait_seconds}s"
  triggers        = { binding = google_pubsub_topic_iam_member.secret_rotation[0].id }
}
