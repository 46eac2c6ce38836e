terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.8.1, < 3.0.0"
    }
    github = {
      source  = "integrations/github"
      version = ">= 6.13.0, < 7.0.0"
    }
    google = {
      source  = "hashicorp/google"
      version = ">= 8.7.0, < 9.0.0"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.14.2, < 1.0.0"
    }
  }
}
