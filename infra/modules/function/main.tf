# One function with an identity of its own, which may read its secrets and be called by its invokers, and nothing else.

resource "google_service_account" "this" {
  project      = var.project
  account_id   = var.name
  display_name = var.name
  description  = "Identity of the function ${var.name}. ${var.description}"
}

resource "google_secret_manager_secret_iam_member" "accessor" {
  for_each = var.secrets

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

# Every enabled version is accepted, newest first, while a key is rotated: that needs the list of versions, which
# secretAccessor does not give. The viewer's role shows metadata, never a value.
resource "google_secret_manager_secret_iam_member" "viewer" {
  for_each = var.secrets

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.viewer"
  member    = google_service_account.this.member
}

# Cloud Trace has nothing smaller than the project to bind a writer to.
resource "google_project_iam_member" "tracer" {
  count = var.tracing ? 1 : 0

  project = var.project
  role    = "roles/cloudtrace.agent"
  member  = google_service_account.this.member
}

resource "google_cloudfunctions2_function" "this" {
  #checkov:skip=CKV_GCP_124:GitHub calls the webhook from the internet; Tekton calls report so, a test holds the others to ALLOW_INTERNAL_ONLY
  project     = var.project
  location    = var.region
  name        = var.name
  description = var.description
  labels      = var.labels

  build_config {
    runtime           = var.runtime
    entry_point       = var.entry_point
    service_account   = var.build.service_account
    docker_repository = var.build.repository

    # The buildpack compiles the function ("compileall -f") and its exporter then sets all files' times to this one, so
    # that Python would take the byte code for stale and compile again with every cold start. With this variable
    # compileall writes the sources' hashes in place of their times.
    environment_variables = {
      SOURCE_DATE_EPOCH = "315532801"
    }

    source {
      storage_source {
        bucket = var.source_archive.bucket
        object = var.source_archive.object
      }
    }

    # Security updates of Python's base image arrive without a deployment.
    automatic_update_policy {}
  }

  service_config {
    available_memory                 = var.size.memory
    available_cpu                    = tostring(var.size.cpu)
    max_instance_request_concurrency = var.size.concurrency
    min_instance_count               = var.size.min_instances
    max_instance_count               = var.size.max_instances
    timeout_seconds                  = var.size.timeout_seconds
    service_account_email            = google_service_account.this.email
    ingress_settings                 = var.ingress
    all_traffic_on_latest_revision   = true
    direct_vpc_egress                = var.vpc == null ? null : var.vpc.egress

    # functions-framework starts 4 threads a CPU unless told otherwise: fewer than the requests that Cloud Run sends at
    # a time would queue inside the instance, where nobody scales. One worker: threads share manifests and connections.
    environment_variables = merge(
      { for name, value in var.environment : name => value if value != "" },
      { THREADS = tostring(var.size.concurrency), WORKERS = "1", GOOGLE_CLOUD_PROJECT = var.project },
    )

    dynamic "direct_vpc_network_interface" {
      for_each = var.vpc == null ? [] : [var.vpc]

      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
        tags       = direct_vpc_network_interface.value.tags
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.size.concurrency == 1 || var.size.cpu >= 1
      error_message = "More than one request at a time needs a whole CPU."
    }
  }

  # A first delivery may arrive as soon as the function is up, and an instance asks for its secrets then.
  depends_on = [
    google_secret_manager_secret_iam_member.accessor,
    google_secret_manager_secret_iam_member.viewer,
  ]
}

# On the Cloud Run service, which carries the function's name: that is where invocations are decided.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.invokers

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = each.value

  # A service that is made anew has no bindings. Its id changes then, and with no update in place.
  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.this.id]
  }
}
