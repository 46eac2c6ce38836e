# One deployment a cluster, each with manifests, keys, kubeconfig and URL of its own, and no right in the other's.
# Several repositories of one cluster need no second deployment: put their triggers beside each other.

locals {
  clusters = {
    app  = { region = "europe-west1", namespace = "app" }
    site = { region = "us-central1", namespace = "site" }
  }
}

module "pipehook" {
  source   = "../.."
  for_each = local.clusters

  project            = var.project
  region             = each.value.region
  name               = "pipehook-${each.key}"
  namespace          = each.value.namespace
  triggers_directory = "${path.module}/triggers/${each.key}"
  webhook_secrets    = ["${each.value.namespace}_github-webhook"]
  secret_id_format   = "{namespace}_{name}"
  kubeconfig_secret  = "pipehook-${each.key}-kubeconfig"
}

# What the function may do in one of the clusters; the other one keeps its YAML in infra/cluster.
module "access" {
  source = "../../modules/cluster-access"

  namespace = local.clusters.app.namespace
  create    = { "tekton.dev" = ["pipelineruns"] }
}

provider "kubernetes" {
  config_path    = "~/.kube/config"
  config_context = var.kubernetes_context
}
