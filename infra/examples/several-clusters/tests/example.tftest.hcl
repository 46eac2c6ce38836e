mock_provider "google" {
  source = "../../tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}
mock_provider "kubernetes" {}

run "plans" {
  command = plan # a deployment twice; nothing asserted needs the apply

  variables {
    project            = "example-project"
    kubernetes_context = "app"
  }

  assert {
    condition     = keys(output.webhook_urls) == ["app", "site"]
    error_message = "Each cluster needs a deployment."
  }
  assert {
    condition     = module.pipehook["app"].source_hash != module.pipehook["site"].source_hash && length(setintersection(keys(module.pipehook["app"].secrets), keys(module.pipehook["site"].secrets))) == 0
    error_message = "The two must share neither manifests nor secrets."
  }
}
