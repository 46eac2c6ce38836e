variable "project" {
  description = "ID of the Google Cloud project."
  type        = string
}
