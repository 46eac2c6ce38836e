mock_provider "google" {}

variables {
  project        = "example-project"
  region         = "europe-west1"
  name           = "pipehook-webhook"
  description    = "Receives webhooks."
  entry_point    = "webhook"
  runtime        = "python312"
  source_archive = { bucket = "bucket", object = "source-1.zip" }
  build          = { service_account = "projects/example-project/serviceAccounts/build", repository = "projects/example-project/locations/europe-west1/repositories/pipehook" }
  environment    = { NAMESPACE = "default", EVENT_LISTENER = "" }
  size           = { memory = "512Mi", cpu = 1, concurrency = 24, min_instances = 1, max_instances = 4, timeout_seconds = 30 }
  ingress        = "ALLOW_ALL"
  invokers       = { everyone = "allUsers" }
  secrets        = { one = "projects/example-project/secrets/one", two = "projects/example-project/secrets/two" }
}

run "keeps_threads_and_concurrency_in_step" {
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].max_instance_request_concurrency == 24 && output.environment.THREADS == "24" && output.environment.WORKERS == "1"
    error_message = "Every request that Cloud Run sends needs a thread."
  }
  assert {
    condition     = !contains(keys(output.environment), "EVENT_LISTENER")
    error_message = "Empty variables are left out."
  }
}

run "binds_secret_by_secret" {
  assert {
    condition     = { for id, member in google_secret_manager_secret_iam_member.accessor : id => "${member.secret_id} ${member.role}" } == { one = "projects/example-project/secrets/one roles/secretmanager.secretAccessor", two = "projects/example-project/secrets/two roles/secretmanager.secretAccessor" }
    error_message = "Each secret is bound by itself."
  }
  assert {
    condition     = keys(google_secret_manager_secret_iam_member.viewer) == ["one", "two"] && length(google_project_iam_member.tracer) == 0
    error_message = "Versions are listed per secret, and nothing is bound to the project without tracing."
  }
  assert {
    condition     = alltrue([for member in concat(values(google_secret_manager_secret_iam_member.accessor), values(google_secret_manager_secret_iam_member.viewer)) : member.member == google_service_account.this.member])
    error_message = "Only the function's own identity reads its secrets."
  }
}

run "lets_only_its_invokers_call" {
  assert {
    condition     = google_cloud_run_v2_service_iam_member.invoker["everyone"].name == "pipehook-webhook" && google_cloud_run_v2_service_iam_member.invoker["everyone"].role == "roles/run.invoker" && length(google_cloud_run_v2_service_iam_member.invoker) == 1
    error_message = "Invokers are bound to the function's Cloud Run service."
  }
}

run "traces_when_told" {
  variables {
    tracing = true
  }

  assert {
    condition     = google_project_iam_member.tracer[0].role == "roles/cloudtrace.agent"
    error_message = "Tracing needs the right to write traces."
  }
}

run "goes_through_a_network_when_told" {
  variables {
    vpc = { network = "net", subnetwork = "sub", tags = ["pipehook"], egress = "VPC_EGRESS_ALL_TRAFFIC" }
  }

  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].direct_vpc_network_interface[0].subnetwork == "sub" && google_cloudfunctions2_function.this.service_config[0].direct_vpc_egress == "VPC_EGRESS_ALL_TRAFFIC"
    error_message = "Outgoing calls must go through the network."
  }
}

run "refuses_concurrency_on_part_of_a_cpu" {
  command = plan

  variables {
    size = { memory = "512Mi", cpu = 0.5, concurrency = 2, min_instances = 0, max_instances = 1, timeout_seconds = 30 }
  }

  expect_failures = [google_cloudfunctions2_function.this]
}
