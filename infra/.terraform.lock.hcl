# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/hashicorp/archive" {
  version     = "2.8.1"
  constraints = ">= 2.8.1, < 3.0.0"
}

provider "registry.terraform.io/hashicorp/google" {
  version     = "8.7.0"
  constraints = ">= 8.7.0, < 9.0.0"
}

provider "registry.terraform.io/hashicorp/time" {
  version     = "0.14.2"
  constraints = ">= 0.14.2, < 1.0.0"
}

provider "registry.terraform.io/integrations/github" {
  version     = "6.13.0"
  constraints = ">= 6.13.0, < 7.0.0"
}
