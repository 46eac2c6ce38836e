output "webhook_url" {
  description = "Payload URL to give to GitHub."
  value       = module.pipehook.webhook_url
}

output "github_webhook_command" {
  description = "Command that makes the webhook at GitHub."
  value       = module.pipehook.github_webhook_command
}
