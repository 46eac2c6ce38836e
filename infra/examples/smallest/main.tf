# The article's case: one listener, its manifests deployed with the function, a push starts a PipelineRun.

module "pipehook" {
  source = "../.."

  project = var.project
}
