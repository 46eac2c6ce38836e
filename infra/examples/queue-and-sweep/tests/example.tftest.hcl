mock_provider "google" {
  source = "../../tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

override_resource {
  target = google_monitoring_notification_channel.email
  values = { id = "projects/example-project/notificationChannels/1" }
}

run "applies" {
  variables {
    project   = "example-project"
    hooks     = ["repos/example/app/hooks/1"]
    operators = "group:operators@example.com"
    email     = "operators@example.com"
  }

  assert {
    condition     = output.dead_letter_subscription != null
    error_message = "The example must keep dead letters."
  }
}
