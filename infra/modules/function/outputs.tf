output "name" {
  description = "Name of the function and of its Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}

output "url" {
  description = "URL of the Cloud Run service (run.app). Internal callers count as internal at this name only."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}

output "service_account" {
  description = "Email of the function's service account."
  value       = google_service_account.this.email
}

output "service_account_member" {
  description = "The function's service account as an IAM member."
  value       = google_service_account.this.member
}

output "environment" {
  description = "Environment variables that the function runs with."
  value       = google_cloudfunctions2_function.this.service_config[0].environment_variables
}
