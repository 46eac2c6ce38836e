# The upper bounds keep a new major version out until it was tried; the lower ones are what the checks ran against.
terraform {
  required_version = ">= 1.11.0, < 2.0.0" # 1.11: write-only arguments

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 8.7.0, < 9.0.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.8.1, < 3.0.0"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.14.2, < 1.0.0"
    }
    # Used only when github_repositories or github_organization is set.
    github = {
      source  = "integrations/github"
      version = ">= 6.13.0, < 7.0.0"
    }
  }
}
