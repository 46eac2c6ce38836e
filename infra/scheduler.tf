# Whom Cloud Scheduler speaks as when it calls redeliver and reconcile. It may do nothing else.

resource "google_service_account" "scheduler" {
  count = var.redeliver_enabled || local.runs_watched ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-scheduler"
  display_name = "${var.name}-scheduler"
  description = "Identity of Cloud Scheduler's calls of ${join(" and ", concat(
    var.redeliver_enabled ? ["${var.name}-redeliver"] : [],
    local.runs_watched ? ["${var.name}-reconcile"] : [],
  ))}."

  depends_on = [google_project_service.this]
}
