# The provider keeps configuration.secret in the state: it has no write-only argument. The command in infra's output
# github_webhook_command makes the same hook without.

resource "github_repository_webhook" "this" {
  for_each = var.repositories

  repository = each.value
  active     = true
  events     = var.events

  configuration {
    url          = var.url
    content_type = "json"
    insecure_ssl = false
    secret       = var.secret
  }
}

resource "github_organization_webhook" "this" {
  count = var.organization ? 1 : 0

  active = true
  events = var.events

  configuration {
    url          = var.url
    content_type = "json"
    insecure_ssl = false
    secret       = var.secret
  }
}
