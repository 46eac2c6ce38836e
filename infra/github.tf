module "github_webhook" {
  source = "./modules/github-webhook"
  count  = length(var.github_repositories) > 0 || var.github_organization ? 1 : 0

  url          = module.webhook.url
  repositories = var.github_repositories
  organization = var.github_organization
  events       = var.github_events
  secret       = var.github_webhook_secret
}
