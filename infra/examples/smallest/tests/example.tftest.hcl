mock_provider "google" {
  source = "../../tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}

run "applies" {
  variables {
    project = "example-project"
  }

  assert {
    condition     = output.webhook_url == "https://pipehook-webhook-abc123-uc.a.run.app"
    error_message = "The example must give the URL."
  }
}
