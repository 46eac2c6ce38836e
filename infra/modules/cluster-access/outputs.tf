output "service_account" {
  description = "Name of the ServiceAccount."
  value       = kubernetes_service_account_v1.this.metadata[0].name
}

output "namespace" {
  description = "Namespace of the ServiceAccount."
  value       = var.namespace
}

output "token_command" {
  description = "Command that makes a token for the kubeconfig (a token in Terraform would stand in the state)."
  value       = "kubectl create token ${var.name} --namespace=${var.namespace} --duration=2160h"
}
