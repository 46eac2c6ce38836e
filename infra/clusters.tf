# What the functions may do towards clusters that know them by their own identity, in which no token is stored.

locals {
  cluster_members = merge(
    { webhook = module.webhook.service_account_member },
    var.queue_enabled ? { dispatch = module.dispatch[0].service_account_member } : {},
    local.runs_watched ? { report = module.report[0].service_account_member, reconcile = module.reconcile[0].service_account_member } : {},
  )

  cluster_bindings = merge([
    for project, roles in var.cluster_roles : merge([
      for role in roles : { for function in keys(local.cluster_members) : "${project} ${role} ${function}" => { project = project, role = role, function = function } }
    ]...)
  ]...)
}

resource "google_project_iam_member" "cluster" {
  for_each = local.cluster_bindings

  project = each.value.project
  role    = each.value.role
  member  = local.cluster_members[each.value.function]
}
