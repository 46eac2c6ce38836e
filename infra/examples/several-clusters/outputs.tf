output "webhook_urls" {
  description = "Payload URL of each deployment."
  value       = { for name, deployment in module.pipehook : name => deployment.webhook_url }
}
