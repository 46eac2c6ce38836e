output "hooks" {
  description = "Ids of the webhooks, by repository; the organisation's under the name organization."
  value = merge(
    { for repository, hook in github_repository_webhook.this : repository => hook.id },
    { for hook in github_organization_webhook.this : "organization" => hook.id },
  )
}
