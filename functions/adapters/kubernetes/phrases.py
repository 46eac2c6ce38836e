"""The fixed words of Kubernetes' and Tekton's messages: nothing of an event can be in them."""

from __future__ import annotations

REASONS = frozenset(
    {
        "AlreadyExists",
        "BadRequest",
        "Conflict",
        "Expired",
        "Forbidden",
        "Gone",
        "InternalError",
        "Invalid",
        "MethodNotAllowed",
        "NotAcceptable",
        "NotFound",
        "RequestEntityTooLarge",
        "ServerTimeout",
        "ServiceUnavailable",
        "StorageReadError",
        "Timeout",
        "TooManyRequests",
        "Unauthorized",
        "UnsupportedMediaType",
    }
)
"""A Status's reasons: apimachinery/pkg/apis/meta/v1/types.go StatusReason."""

CAUSES = {
    "FieldValueNotFound": "Not found",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueTypeInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "FieldManagerConflict": "another manager's",
    "InternalError": "Internal error",
}
"""Causes' reasons (types.go CauseType), in the words that field/errors.go ErrorType.String has for them."""

VERBS = "create|get|list|watch|update|patch|delete|deletecollection|impersonate|bind|escalate"

PHRASES: tuple[str, ...] = (
    # apimachinery/pkg/util/validation/field/errors.go
    *dict.fromkeys(CAUSES.values()),
    "Too few",
    "Too short",
    "supported values",
    # apimachinery/pkg/util/validation/validation.go, pkg/api/validation; `#` is a number
    "must be no more than # characters",
    "must be no more than # bytes",
    "may not be more than # bytes",
    "may not be longer than #",
    "must have at most # bytes",
    "must have at most # characters",
    "must have at most # items",
    "must be between # and #, inclusive",
    "must be greater than or equal to #",
    "must be less than or equal to #",
    "must be greater than or equal to zero",
    "should be greater than or equal to #",
    "must be non-empty",
    "must not be empty",
    "must be specified",
    "must be unique",
    "must not contain dots",
    "must be valid",
    "must be of type",
    "in body must be of type",
    "in body must be of type string",
    "in body must be of type integer",
    "in body must be of type boolean",
    "in body must be of type array",
    "in body must be of type object",
    "is required",
    "name or generateName is required",
    "field is immutable",
    "field not declared in schema",
    "annotations size # is larger than limit #",
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'",
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'",
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-'",
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'",
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.'",
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.'",
    "name part must consist of alphanumeric characters, '-', '_' or '.'",
    "name part must be non-empty",
    "prefix part must be non-empty",
    "start with an alphabetic character",
    "and must start and end with an alphanumeric character",
    "and end with an alphanumeric character",
    "and must not start with a digit",
    # apimachinery/pkg/api/errors/errors.go
    "is invalid",
    "not found",
    "already exists",
    "it exists",
    "is forbidden",
    "Unauthorized",
    "Operation cannot be fulfilled on",
    "the object has been modified",
    "please apply your changes to the latest version and try again",
    "Internal error occurred",
    "Too many requests",
    "please try again later",
    "Request entity too large",
    "limit is #",
    "the server could not find the requested resource",
    "the server does not allow this method on the requested resource",
    "the server has asked for the client to provide credentials",
    "the server is currently unable to handle the request",
    "the server has received too many requests and has asked us to try again later",
    "the server was unable to return a response in the time allotted, but may still be processing the request",
    "could not be completed at this time, please try again",
    "request did not complete within the allotted timeout",
    "request did not complete within requested timeout",
    "context deadline exceeded",
    "Timeout",
    # apiserver/pkg/endpoints/handlers, apimachinery/pkg/runtime: reading what was sent
    "the namespace of the provided object does not match the namespace sent on the request",
    "the name of the object does not match the name on the URL",
    "does not match the expected API version",
    "the object provided is unrecognized (must be of type",
    "strict decoding error",
    "unknown field",
    "duplicate field",
    "cannot unmarshal",
    "into Go struct field",
    "no kind",
    "is registered for version",
    "no matches for kind",
    "body is empty",
    # apiserver/pkg/authorization, plugin/pkg/auth/authorizer/rbac/rbac.go
    *(f"cannot {verb} resource" for verb in VERBS.split("|")),
    *(f"cannot {verb}" for verb in VERBS.split("|")),
    "at the cluster scope",
    "RBAC",
    "no relationship found between node",
    "apiserver not ready",
    "etcd failed",
    # admission: plugins of kubernetes/plugin/pkg/admission, and webhooks of apiserver/pkg/admission
    "not yet ready to handle request",
    "denied the request",
    "denied request",
    "without explanation",
    "failed calling webhook",
    "failed to call webhook",
    "failed expression",
    "no endpoints available for service",
    "connection refused",
    "connection reset by peer",
    "no route to host",
    "i/o timeout",
    "dial tcp",
    "x509: certificate signed by unknown authority",
    "certificate has expired or is not yet valid",
    "unable to create new content in namespace",
    "because it is being terminated",
    "is being terminated",
    "exceeded quota",
    "failed quota",
    "must specify",
    "status unknown for quota",
    "error looking up service account",
    "no API token found for service account",
    "violates PodSecurity",
    "maximum cpu usage per Container",
    "maximum memory usage per Container",
    "no PriorityClass with name",
    # etcd: server/v3/etcdserver/errors.go, and grpc-go
    "etcdserver: request is too large",
    "etcdserver: request timed out",
    "etcdserver: leader changed",
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: mvcc: database space exceeded",
    "trying to send message larger than max",
    "storage is (re)initializing",
    # knative.dev/pkg/webhook/resourcesemantics, knative.dev/pkg/apis/field_error.go: Tekton's webhooks
    "validation failed",
    "mutation failed",
    "decoding request failed",
    "validation callback failed",
    "cannot decode incoming new object",
    "missing field(s)",
    "must not set the field(s)",
    "must not update deprecated field(s)",
    "invalid value",
    "invalid key name",
    "expected exactly one, got both",
    "expected exactly one, got neither",
    "expected exactly one",
    "expected exactly one, got multiple",
    "expected at least one, got none",
    "expected # <= # <= #",
    "annotation value is immutable",
    "not a DNS 1035 label",
    "not a DNS 1035 label prefix",
    # tektoncd/pipeline: pkg/apis/validate/metadata.go, pkg/apis/pipeline/v1/*_validation.go
    "Invalid resource name",
    "special character . can't be present",
    "length must be no more than # characters",
    "invalid resource name",
    "must be a valid DNS label",
    "should be >= 0",
    "should be <= pipeline duration",
    "parameter appears more than once",
    "parameter names must be unique",
    "expected pipeline results to be task result expressions but no expressions were found",
    "expected pipeline results to be task result expressions but an invalid expressions was found",
    "cannot use result expressions in",
    "as PipelineRun parameter values",
    "appears more than once",
    "provided by pipelinerun more than once",
    "has empty name",
    "undefined workspace",
    "invalid task result reference",
    "invalid apiVersion format",
    "non-existent variable",
    "is not defined in the pipeline",
    "referencing a nonexistent task",
    "invalid input params",
    "custom task ref must specify kind",
    "custom task ref must specify apiVersion",
    "expecting non-empty values field",
    "statusMessage should not be set if status is not set",
    "PipelineRun cannot be Pending after it is started",
    "Once the PipelineRun is complete, no updates are allowed",
    "Once the PipelineRun has started, only status updates are allowed",
    "managedBy is immutable",
    "feature flag",
)

ROOTS = "metadata|spec|status|data|stringData|binaryData|roleRef|subjects|rules"
"""Where the paths of fields begin."""

_FIELDS = """
accessModes activeDeadlineSeconds affinity allowPrivilegeEscalation annotations apiGroups apiVersion args
automountServiceAccountToken backoffLimit binaryData bindings capabilities clusterIP command completions
computeResources concurrencyPolicy config configMap configMapKeyRef configMapRef containerPort containers cpu
creationTimestamp csi customRef customSpec data default defaultMode description displayName dnsConfig dnsPolicy
emptyDir enableServiceLinks env envFrom ephemeral failedJobsHistoryLimit fieldRef finalizers finally fsGroup
generateName generation hostAliases hostname hostNetwork hostPath hostPort image imagePullPolicy imagePullSecrets
include initContainers input interceptors items jobTemplate key kind labels lifecycle limits livenessProbe managedBy
managedFields matchExpressions matchLabels matrix medium memory metadata mode mountPath name namespace nodeName
nodeSelector onError onFailure operator optional outputs ownerReferences parallelism params path persistentVolumeClaim
pipeline pipelineRef pipelineRunSpec pipelineSpec pipelineTask pipelineTaskName podTemplate port ports priority
priorityClassName privileged projected properties protocol pvc readinessProbe readOnly ref replicas requests resolver
resources resourceVersion restartPolicy result results retries roleRef rules runAfter runAsGroup runAsNonRoot runAsUser
runtimeClassName schedule schedulerName script seccompProfile secret secretKeyRef secretName secretRef securityContext
selector serviceAccount serviceAccountName sidecars sidecarSpecs sizeLimit sources spec startTime startupProbe status
statusMessage steps stepSpecs stepTemplate storage storageClassName stringData subjects subPath
successfulJobsHistoryLimit suspend targetPort taskRef taskRunSpecs taskRunTemplate tasks taskServiceAccountName
taskSpec template terminationGracePeriodSeconds timeout timeouts tolerations topologySpreadConstraints triggers
ttlSecondsAfterFinished type uid value valueFrom values verbs volumeClaimTemplate volumeClaimTemplates volumeDevices
volumeMode volumeMounts volumes when workingDir workspace workspaces
"""
FIELDS = frozenset(_FIELDS.split())
"""Names of fields of Kubernetes' and Tekton's kinds (the `json` tags of their types), as far as templates use them."""
