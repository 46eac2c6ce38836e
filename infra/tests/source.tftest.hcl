# What is packed, and what makes a new deployment.

mock_provider "google" {
  source = "./tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

variables {
  # `terraform test` wants an ephemeral variable to be set for the apply when it was defaulted in the plan.
  secret_values    = {}
  project          = "example-project"
  source_directory = "./tests/source"
}

run "packs_what_runs_and_nothing_else" {
  variables {
    triggers_directory = "./tests/source/manifests"
  }

  assert {
    condition     = keys(local.source_files) == ["functions/inner/rules.txt", "functions/rules.txt", "infra/triggers/listener.yaml", "main.py", "requirements.txt"]
    error_message = "The archive would hold ${join(", ", keys(local.source_files))}."
  }
  assert {
    condition     = google_storage_bucket_object.source.name == "source-${output.source_hash}.zip"
    error_message = "The object's name must carry the contents' hash."
  }
  assert {
    condition     = google_storage_bucket.source.uniform_bucket_level_access && google_storage_bucket.source.public_access_prevention == "enforced"
    error_message = "The bucket must not be public."
  }
}

run "another_manifest_is_another_deployment" {
  command = plan

  variables {
    triggers_directory = "./tests/source/other-manifests"
  }

  assert {
    condition     = output.source_hash != run.packs_what_runs_and_nothing_else.source_hash
    error_message = "A changed manifest must change the hash."
  }
}

run "another_setting_is_the_same_source" {
  command = plan

  variables {
    triggers_directory = "./tests/source/manifests"
    redelivery         = "rerun"
  }

  assert {
    condition     = output.source_hash == run.packs_what_runs_and_nothing_else.source_hash
    error_message = "Only contents may change the hash."
  }
}

run "needs_manifests" {
  command = plan

  variables {
    triggers_directory = "./tests/source/functions"
  }

  expect_failures = [google_storage_bucket_object.source]
}
