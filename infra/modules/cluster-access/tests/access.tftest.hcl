mock_provider "kubernetes" {}

run "grants_create_and_get_of_runs_alone" {
  assert {
    condition     = keys(kubernetes_role_v1.this) == ["create"] && length(kubernetes_role_v1.this["create"].rule) == 1 && length(kubernetes_cluster_role_v1.triggers) == 0
    error_message = "One Role with one rule, and nothing cluster-wide."
  }
  assert {
    condition     = kubernetes_role_v1.this["create"].rule[0].verbs == toset(["create", "get"]) && kubernetes_role_v1.this["create"].rule[0].resources == toset(["pipelineruns"]) && kubernetes_role_v1.this["create"].rule[0].api_groups == toset(["tekton.dev"])
    error_message = "create and get of PipelineRuns, nothing else."
  }
  assert {
    condition     = kubernetes_role_binding_v1.this["create"].subject[0].name == "pipehook" && kubernetes_role_binding_v1.this["create"].role_ref[0].kind == "Role" && kubernetes_service_account_v1.this.automount_service_account_token == false
    error_message = "The Role is bound to the ServiceAccount, whose token no pod gets."
  }
}

run "reads_triggers_with_a_second_role" {
  variables {
    read_triggers = true
  }

  assert {
    condition     = keys(kubernetes_role_v1.this) == ["create", "triggers"] && kubernetes_role_v1.this["triggers"].rule[0].verbs == toset(["list"])
    error_message = "Reading triggers is a Role of its own."
  }
  assert {
    condition     = kubernetes_cluster_role_v1.triggers[0].rule[0].resources == tolist(["clusterinterceptors", "clustertriggerbindings"])
    error_message = "Of the cluster, only the two kinds that triggers refer to."
  }
}

run "reads_runs_for_statuses" {
  variables {
    tell_statuses = true
    users         = ["webhook@example-project.iam.gserviceaccount.com"]
    status_users  = ["report@example-project.iam.gserviceaccount.com"]
  }

  assert {
    condition     = keys(kubernetes_role_v1.this) == ["create", "statuses"] && kubernetes_role_v1.this["statuses"].rule[0].verbs == toset(["get", "list"]) && kubernetes_role_v1.this["statuses"].rule[0].resources == toset(["pipelineruns", "taskruns"])
    error_message = "get and list of runs and their tasks, and no right to change one."
  }
  assert {
    condition     = kubernetes_role_binding_v1.this["statuses"].subject[*].name == tolist(["pipehook", "report@example-project.iam.gserviceaccount.com", "webhook@example-project.iam.gserviceaccount.com"]) && kubernetes_role_binding_v1.this["create"].subject[*].name == tolist(["pipehook", "webhook@example-project.iam.gserviceaccount.com"])
    error_message = "Who only reads runs is bound to nothing else."
  }
}

run "reads_secrets_by_name" {
  variables {
    read_secrets = ["github-webhook"]
  }

  assert {
    condition     = kubernetes_role_v1.this["secrets"].rule[0].resource_names == toset(["github-webhook"]) && kubernetes_role_v1.this["secrets"].rule[0].verbs == toset(["get"])
    error_message = "get of the named Secrets only."
  }
}

run "refuses_wildcards" {
  command = plan

  variables {
    create = { "tekton.dev" = ["*"] }
  }

  expect_failures = [var.create]
}
