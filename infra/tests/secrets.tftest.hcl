# Secrets: where they are kept, who made them, and that a value given to Terraform does not stay in it.

mock_provider "google" {
  source = "./tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

variables {
  # `terraform test` wants an ephemeral variable to be set for the apply when it was defaulted in the plan.
  secret_values      = {}
  source_directory   = "./tests/source"
  triggers_directory = "./tests/source/manifests"
  project            = "example-project"
}

run "replicates_automatically" {
  assert {
    condition     = length(google_secret_manager_secret.this["github-webhook"].replication[0].auto) == 1 && length(google_secret_manager_secret.this["github-webhook"].replication[0].user_managed) == 0
    error_message = "Without locations Google chooses."
  }
}

run "replicates_where_told" {
  command = plan

  variables {
    secret_locations = ["europe-west1", "europe-west4"]
  }

  assert {
    condition     = google_secret_manager_secret.this["github-webhook"].replication[0].user_managed[0].replicas[*].location == tolist(["europe-west1", "europe-west4"]) && length(google_secret_manager_secret.this["github-webhook"].replication[0].auto) == 0
    error_message = "Values must be kept in the two regions."
  }
}

run "leaves_existing_secrets_alone" {
  command = plan

  variables {
    existing_secrets = ["pipehook-kubeconfig"]
  }

  assert {
    condition     = keys(google_secret_manager_secret.this) == ["github-webhook"] && output.secrets["pipehook-kubeconfig"] == "projects/example-project/secrets/pipehook-kubeconfig"
    error_message = "A secret that exists is bound and not made."
  }
}

run "reminds_of_rotation" {
  command = plan

  variables {
    secret_rotation = { first = "2030-01-01T00:00:00Z" }
  }

  assert {
    condition     = google_secret_manager_secret.this["github-webhook"].rotation[0].rotation_period == "7776000s" && google_secret_manager_secret.this["github-webhook"].topics[0].name == "projects/example-project/topics/${google_pubsub_topic.secret_rotation[0].name}"
    error_message = "Secret Manager must publish its reminder."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.secret_rotation[0].member == "serviceAccount:service-123456789012@gcp-sa-secretmanager.iam.gserviceaccount.com"
    error_message = "Secret Manager's own identity must be able to publish."
  }
}

run "keeps_no_value" {
  variables {
    secret_values         = { github-webhook = "made-up-for-this-test" }
    secret_value_versions = { github-webhook = 2 }
  }

  assert {
    condition     = google_secret_manager_secret_version.this["github-webhook"].secret_data_wo_version == "2" && google_secret_manager_secret_version.this["github-webhook"].secret_data_wo == null && google_secret_manager_secret_version.this["github-webhook"].secret_data == null
    error_message = "A value must go through the write-only argument, which the state does not keep."
  }
  assert {
    condition     = google_secret_manager_secret_version.this["github-webhook"].deletion_policy == "ABANDON"
    error_message = "A replaced version must stay enabled."
  }
}

run "has_no_value_for_what_is_not_made_here" {
  command = plan

  variables {
    secret_values         = { pipehook-hook = "made-up-for-this-test" }
    secret_value_versions = { pipehook-hook = 1 }
  }

  expect_failures = [google_secret_manager_secret_version.this]
}
