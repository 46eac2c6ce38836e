variable "project" {
  description = "ID of the Google Cloud project."
  type        = string
}

variable "hooks" {
  description = "Hooks to sweep, such as repos/OWNER/REPO/hooks/ID."
  type        = list(string)
}

variable "operators" {
  description = "Who may read and replay dead letters, such as group:operators@example.com."
  type        = string
}

variable "email" {
  description = "Where alerts go."
  type        = string
}
