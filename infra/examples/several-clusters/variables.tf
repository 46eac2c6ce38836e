variable "project" {
  description = "ID of the Google Cloud project."
  type        = string
}

variable "kubernetes_context" {
  description = "Context of the cluster app in the administrator's kubeconfig."
  type        = string
}
