output "webhook_urls" {
  description = "Payload URL of each team."
  value       = { for path in ["app/app", "site/site"] : path => "${module.pipehook.webhook_url}/${path}" }
}
