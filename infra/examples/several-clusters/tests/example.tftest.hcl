mock_provider "google" {
  source = "../../tests/mocks"
}
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "github" {}
mock_provider "kubernetes" {}

run "plans" {
  command = plan

  variables {
    project            = "example-project"
    site_project       = "example-fleet"
    kubernetes_context = "app"
  }

  assert {
    condition     = keys(output.webhook_urls) == ["app/app", "site/site"]
    error_message = "Each team has a path."
  }
  assert {
    condition     = module.pipehook.environment.webhook.CLUSTERS == "site=projects/example-project/secrets/pipehook-site-kubeconfig" && module.pipehook.environment.dispatch.CLUSTERS == module.pipehook.environment.webhook.CLUSTERS
    error_message = "The webhook and the worker must know both clusters."
  }
  assert {
    condition     = contains(keys(module.pipehook.secrets), "pipehook-site-kubeconfig")
    error_message = "The other cluster's kubeconfig must be readable."
  }
}
