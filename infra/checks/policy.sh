#!/usr/bin/env bash
# Scans infra/ with checkov, offline. Exceptions stand, with their reasons, beside what they except (checkov:skip).
# Checkov has an environment of its own (.tools/checkov, 290 MB, about 40 s once): its pins would bind everybody else's.
#
#   infra/checks/policy.sh                    install if need be, and scan
#   infra/checks/policy.sh --installed-only   scan if it is installed, else say that it was left out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

requirement=$(<infra/checks/requirements-policy.txt)
tools=.tools/checkov
ready="$tools/.ready-${requirement#*==}"

if [[ ! -e $ready ]]; then
  if [[ ${1:-} == --installed-only ]]; then
    echo "infra: LEFT OUT, since checkov is not installed: the policy scan (infra/checks/policy.sh installs and runs it)"
    exit 0
  fi
  echo "Setting up $tools: this takes about a minute, once."
  rm -rf "$tools"
  "${PYTHON:-python3}" -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "$requirement"
  touch "$ready"
fi

scan() {
  LOG_LEVEL=ERROR "$tools/bin/checkov" --framework terraform kubernetes --quiet --compact --skip-download "$@"
}

# A scanner that finds nothing anywhere proves nothing: this bucket has to be refused.
bad=$(mktemp -d)
trap 'rm -rf "$bad"' EXIT
cat >"$bad/main.tf" <<'BAD'
resource "google_storage_bucket" "bad" {
  name                        = "bad"
  location                    = "EU"
  uniform_bucket_level_access = false
}
BAD
if scan -d "$bad" >"$bad/said" 2>&1 || ! grep -q CKV_GCP_29 "$bad/said"; then
  echo "The scanner did not refuse a bucket that it has to refuse:"
  cat "$bad/said"
  exit 1
fi

scan -d infra
echo "infra: $requirement found nothing but what is excepted with a reason"
