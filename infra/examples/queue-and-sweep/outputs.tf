output "webhook_url" {
  description = "Payload URL to give to GitHub."
  value       = module.pipehook.webhook_url
}

output "dead_letter_subscription" {
  description = "Subscription that keeps the dead letters, for the command line."
  value       = module.pipehook.dead_letter_subscription
}
