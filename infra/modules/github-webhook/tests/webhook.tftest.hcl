mock_provider "github" {}

variables {
  url    = "https://pipehook-webhook-abc123-uc.a.run.app"
  secret = "0123456789abcdef-not-a-key"
}

run "makes_one_hook_a_repository" {
  variables {
    repositories = ["app", "site"]
    events       = ["push", "pull_request"]
  }

  assert {
    condition     = keys(output.hooks) == ["app", "site"] && length(github_organization_webhook.this) == 0
    error_message = "One hook a repository, and none for the organisation."
  }
  assert {
    condition     = github_repository_webhook.this["app"].configuration[0].content_type == "json" && github_repository_webhook.this["app"].configuration[0].insecure_ssl == false && github_repository_webhook.this["app"].active
    error_message = "Hooks send JSON and check the certificate."
  }
  assert {
    condition     = github_repository_webhook.this["site"].events == toset(["pull_request", "push"])
    error_message = "Only the events asked for."
  }
}

run "makes_one_hook_for_the_organisation" {
  variables {
    organization = true
  }

  assert {
    condition     = keys(output.hooks) == ["organization"] && length(github_repository_webhook.this) == 0
    error_message = "One hook for the organisation."
  }
}

run "refuses_a_short_key" {
  command = plan

  variables {
    secret = "short"
  }

  expect_failures = [var.secret]
}

run "refuses_plain_http" {
  command = plan

  variables {
    url = "http://pipehook.example.com"
  }

  expect_failures = [var.url]
}
