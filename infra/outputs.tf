output "webhook_url" {
  description = "Payload URL to give to GitHub."
  value       = module.webhook.url
}

output "report_url" {
  description = "URL for Tekton's events, without the key, or null."
  value       = one(module.report[*].url)
}

output "sink_command" {
  description = "Command that has Tekton Pipelines send its events to report, with the key read from Secret Manager; or null."
  value       = one(local.sink_commands)
}

output "secrets" {
  description = "Resource ids of the secrets, by id. What has no value yet needs: printf %s VALUE | gcloud secrets versions add ID --data-file=-"
  value       = local.secret_ids
}

output "service_accounts" {
  description = "Email of each function's service account."
  value = merge(
    { webhook = module.webhook.service_account },
    { for function in module.dispatch : "dispatch" => function.service_account },
    { for function in module.redeliver : "redeliver" => function.service_account },
    { for function in module.report : "report" => function.service_account },
    { for function in module.reconcile : "reconcile" => function.service_account },
  )
}

output "functions" {
  description = "Name of each function, which is also its Cloud Run service's."
  value = merge(
    { webhook = module.webhook.name },
    { for function in module.dispatch : "dispatch" => function.name },
    { for function in module.redeliver : "redeliver" => function.name },
    { for function in module.report : "report" => function.name },
    { for function in module.reconcile : "reconcile" => function.name },
  )
}

output "environment" {
  description = "Environment variables of each function."
  value = merge(
    { webhook = module.webhook.environment },
    { for function in module.dispatch : "dispatch" => function.environment },
    { for function in module.redeliver : "redeliver" => function.environment },
    { for function in module.report : "report" => function.environment },
    { for function in module.reconcile : "reconcile" => function.environment },
  )
}

output "queue_topic" {
  description = "Topic of the queue, or null."
  value       = one(google_pubsub_topic.queue[*].id)
}

output "dead_letter_topic" {
  description = "Topic of the dead letters, or null."
  value       = one(google_pubsub_topic.dead_letters[*].id)
}

output "dead_letter_subscription" {
  description = "Subscription that keeps the dead letters, for the command line; or null."
  value       = one(google_pubsub_subscription.dead_letters[*].id)
}

output "secret_rotation_topic" {
  description = "Topic on which Secret Manager reminds of rotations, or null."
  value       = one(google_pubsub_topic.secret_rotation[*].id)
}

output "dashboard" {
  description = "Id of the dashboard, or null."
  value       = one(google_monitoring_dashboard.this[*].id)
}

output "source_hash" {
  description = "Hash of the deployed source, which stands in the archive's name."
  value       = local.source_hash
}

output "cpu_boost_commands" {
  description = "Commands that show whether startup CPU boost is on. Cloud Functions switches it on for the services that it makes; Terraform's resource has no argument for it."
  value = [
    for function in concat([module.webhook.name], module.dispatch[*].name, module.redeliver[*].name, module.report[*].name, module.reconcile[*].name) :
    "gcloud run services describe ${function} --project=${var.project} --region=${var.region} --format='value(spec.template.metadata.annotations[run.googleapis.com/startup-cpu-boost])'"
  ]
}

output "invoker_check_command" {
  description = "Command that lets GitHub, and Tekton's events, in where allUsers is forbidden (public_access = \"invoker-check-off\"); null where everybody is bound."
  value = var.public_access == "allUsers" ? null : join(" && ", [
    for function in concat([module.webhook.name], module.report[*].name) :
    "gcloud run services update ${function} --project=${var.project} --region=${var.region} --no-invoker-iam-check"
  ])
}

output "github_webhook_command" {
  description = "Command that makes the webhook at GitHub (REPOSITORY is OWNER/NAME) with the key read from Secret Manager, so that no state holds it."
  value       = <<-EOT
    gcloud secrets versions access latest --project=${var.project} --secret=${try(sort(local.hmac_secrets)[0], "SECRET")} \
      | jq -Rs --arg url '${module.webhook.url}' '{name: "web", active: true, events: ${jsonencode(sort(var.github_events))}, config: {url: $url, content_type: "json", insecure_ssl: "0", secret: .}}' \
      | gh api --method POST repos/REPOSITORY/hooks --input - --jq .id
  EOT
}

output "cluster_users" {
  description = "Names under which a GKE cluster knows the functions that create, where the kubeconfig holds no token: for modules/cluster-access, users."
  value       = concat([module.webhook.service_account], module.dispatch[*].service_account)
}

output "cluster_readers" {
  description = "The same of the functions that look at runs and make none: for modules/cluster-access, status_users."
  value       = concat(module.report[*].service_account, module.reconcile[*].service_account)
}
