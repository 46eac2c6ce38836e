"""Every variable that the functions read, with what it means; Terraform, documents and .env.example are held to it."""

from __future__ import annotations

from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "TRIGGERS_SOURCE": "a file or directory of manifests, or `cluster`: read them from the remote cluster",
    "EVENT_LISTENER": "`name` or `namespace/name` of the listener to serve; needless when there is exactly one",
    "NAMESPACE": "the namespace of manifests that name none",
    "SECRETS_SOURCE": "`secret-manager://PROJECT`, `file:///DIR` or `cluster`",
    "SECRET_ID_FORMAT": "how a secretRef becomes a Secret Manager id or a directory",
    "SECRET_MANAGER_EMULATOR_HOST": "host:port of a plaintext gRPC Secret Manager, for local work and tests",
    "KUBECONFIG_SECRET": "`projects/P/secrets/S[/versions/V]` that holds the service-account kubeconfig",
    "KUBECONFIG": "a kubeconfig file, for local work",
    "CLUSTERS": "`NAME=projects/P/secrets/S,…`: further clusters' kubeconfigs; locally also `NAME=/path`",
    "DRY_RUN": "`true`: render and report, create nothing",
    "QUEUE_TOPIC": "`projects/P/topics/T`: what the cluster cannot take within the deadline is queued there",
    "QUEUE_MODE": "`overflow`: queue what the cluster cannot take; `always`: queue everything",
    "REDELIVERY": "`deduplicate`, or `rerun`: a redelivery starts a new run once the earlier one has finished",
    "OUTBOUND_HOSTS": "`host[:port],…` that outgoing calls may reach over plain http or at a private address",
    "UNVERIFIED_TRIGGERS": "`refuse` or `allow` triggers that verify nothing",
    "GITHUB_API_URL": "the base of the GitHub API",
    "TRACING": "`true`: export OpenTelemetry traces of the stages",
    "DEAD_LETTER_TOPIC": "`projects/P/topics/T`: where `dispatch` puts what can never be created",
    "GITHUB_HOOKS": "hooks that `redeliver` sweeps: `repos/OWNER/REPO/hooks/ID`, `orgs/ORG/hooks/ID`, `app`",
    "GITHUB_TOKEN_SECRET": "`projects/P/secrets/S` that holds the GitHub token: sweep, reruns, statuses, githubOwners",
    "GITHUB_APP_ID": "the GitHub App that is asked with instead of the token",
    "GITHUB_APP_KEY_SECRET": "`projects/P/secrets/S` that holds that App's private key",
    "STATUS_API": "`statuses`, or `checks`: how GitHub shows runs (checks need the App)",
    "STATUS_TARGET_URL": "the link of a status; `{namespace}`, `{name}`, `{kind}`, `{context}` are put in",
    "REPORT_KEY_SECRET": "`projects/P/secrets/S` with the key that calls of `report` must bring",
    "RECONCILE_LOOKBACK_HOURS": "how far back `reconcile` looks (1 to 168)",
    "GITLAB_API_URL": "the base of the GitLab API, for statuses",
    "GITLAB_TOKEN_SECRET": "`projects/P/secrets/S` that holds the GitLab token of statuses",
    "BITBUCKET_API_URL": "the base of Bitbucket's API, for statuses; of Data Center `https://HOST/rest/api/latest`",
    "BITBUCKET_TOKEN_SECRET": "`projects/P/secrets/S` that holds the Bitbucket access token of statuses",
    "REDELIVER_LOOKBACK_HOURS": "how far back `redeliver` looks (1 to 72: GitHub forgets after three days)",
    "REDELIVER_LIMIT": "how many deliveries one run of `redeliver` asks GitHub to send again at most",
    "REDELIVER_ATTEMPTS": "after how many attempts in all a delivery is given up",
}
