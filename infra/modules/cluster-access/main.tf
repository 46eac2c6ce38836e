# What cluster/ says in YAML, for those who keep their clusters in Terraform. The two are compared by a test.

locals {
  labels = merge({ "app.kubernetes.io/name" = "pipehook" }, var.labels)

  roles = merge(
    {
      create = {
        name  = var.name
        rules = [for group, resources in var.create : { groups = [group], resources = resources, verbs = ["create", "get"], names = null }]
      }
    },
    var.read_triggers ? {
      triggers = {
        name = "${var.name}-triggers"
        rules = [{
          groups    = ["triggers.tekton.dev"]
          resources = ["eventlisteners", "interceptors", "triggerbindings", "triggers", "triggertemplates"]
          verbs     = ["list"]
          names     = null
        }]
      }
    } : {},
    var.tell_statuses ? {
      statuses = {
        name  = "${var.name}-statuses"
        rules = [{ groups = ["tekton.dev"], resources = ["pipelineruns", "taskruns"], verbs = ["get", "list"], names = null }]
      }
    } : {},
    var.concurrency ? {
      concurrency = {
        name  = "${var.name}-concurrency"
        rules = [{ groups = ["tekton.dev"], resources = ["pipelineruns"], verbs = ["list", "patch"], names = null }]
      }
    } : {},
    length(var.read_secrets) > 0 ? {
      secrets = {
        name  = "${var.name}-secrets"
        rules = [{ groups = [""], resources = ["secrets"], verbs = ["get"], names = var.read_secrets }]
      }
    } : {},
  )
}

resource "kubernetes_service_account_v1" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.labels
  }

  automount_service_account_token = false # no pod runs as it
}

resource "kubernetes_role_v1" "this" {
  for_each = local.roles

  metadata {
    name      = each.value.name
    namespace = var.namespace
    labels    = local.labels
  }

  dynamic "rule" {
    for_each = each.value.rules

    content {
      api_groups     = rule.value.groups
      resources      = rule.value.resources
      verbs          = rule.value.verbs
      resource_names = rule.value.names
    }
  }
}

resource "kubernetes_role_binding_v1" "this" {
  for_each = local.roles

  metadata {
    name      = each.value.name
    namespace = var.namespace
    labels    = local.labels
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = kubernetes_role_v1.this[each.key].metadata[0].name
  }

  subject {
    kind      = "ServiceAccount"
    name      = kubernetes_service_account_v1.this.metadata[0].name
    namespace = var.namespace
  }

  dynamic "subject" {
    for_each = contains(["statuses", "concurrency"], each.key) ? setunion(var.users, var.status_users) : var.users

    content {
      kind      = "User"
      name      = subject.value
      api_group = "rbac.authorization.k8s.io"
    }
  }
}

# Cluster-wide kinds that triggers may refer to. They hold no secret.
resource "kubernetes_cluster_role_v1" "triggers" {
  count = var.read_triggers ? 1 : 0

  metadata {
    name   = "${var.name}-${var.namespace}-triggers"
    labels = local.labels
  }

  rule {
    api_groups = ["triggers.tekton.dev"]
    resources  = ["clusterinterceptors", "clustertriggerbindings"]
    verbs      = ["list"]
  }
}

resource "kubernetes_cluster_role_binding_v1" "triggers" {
  count = var.read_triggers ? 1 : 0

  metadata {
    name   = "${var.name}-${var.namespace}-triggers"
    labels = local.labels
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "ClusterRole"
    name      = kubernetes_cluster_role_v1.triggers[0].metadata[0].name
  }

  subject {
    kind      = "ServiceAccount"
    name      = kubernetes_service_account_v1.this.metadata[0].name
    namespace = var.namespace
  }

  dynamic "subject" {
    for_each = var.users

    content {
      kind      = "User"
      name      = subject.value
      api_group = "rbac.authorization.k8s.io"
    }
  }
}
