# What the mocked provider makes up would be random letters; these have the form of the real thing.

mock_resource "google_cloudfunctions2_function" {
  defaults = {
    service_config = {
      uri = "https://pipehook-webhook-abc123-uc.a.run.app"
    }
  }
}

mock_resource "google_service_account" {
  defaults = {
    id     = "projects/example-project/serviceAccounts/x@example-project.iam.gserviceaccount.com"
    name   = "projects/example-project/serviceAccounts/x@example-project.iam.gserviceaccount.com"
    email  = "x@example-project.iam.gserviceaccount.com"
    member = "serviceAccount:x@example-project.iam.gserviceaccount.com"
  }
}

mock_resource "google_storage_bucket" {
  defaults = {
    project_number = 123456789012
  }
}
