# One deployment for several clusters and teams: the path of the URL chooses the listener, and the annotation
# pipehook.dev/cluster of a listener or a template's resource the cluster. No cluster's token is stored: the kubeconfigs
# name gke-gcloud-auth-plugin, and the functions' own identities have what their RoleBindings say.

module "pipehook" {
  source = "../.."

  project            = var.project
  region             = "europe-west1"
  triggers_directory = "${path.module}/triggers"
  # a team's secretRefs lead to its own secrets alone
  webhook_secrets  = ["app_github-webhook", "site_github-webhook"]
  secret_id_format = "{namespace}_{name}"

  kubeconfig_secret = "pipehook-app-kubeconfig"
  clusters          = { site = "pipehook-site-kubeconfig" }
  cluster_roles     = { (var.site_project) = ["roles/gkehub.gatewayEditor"] }

  # what one cluster cannot take waits in the queue, whatever the other one does
  queue_enabled = true
}

# What the functions may do in one of the clusters; the other one keeps its YAML in infra/cluster.
module "access" {
  source = "../../modules/cluster-access"

  namespace = "app"
  users     = module.pipehook.cluster_users
  create    = { "tekton.dev" = ["pipelineruns"] }
}

provider "kubernetes" {
  config_path    = "~/.kube/config"
  config_context = var.kubernetes_context
}
