variable "project" {
  description = "ID of the Google Cloud project."
  type        = string
}

variable "site_project" {
  description = "Project of the fleet that the cluster site belongs to."
  type        = string
}

variable "kubernetes_context" {
  description = "Context of the cluster app in the administrator's kubeconfig."
  type        = string
}
