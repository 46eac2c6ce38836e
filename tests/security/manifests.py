"""A listener that makes use of everything that an event can reach: interceptors, overlays, bindings, templates."""

from __future__ import annotations

LISTENER = """
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata:
  name: listener
  annotations: {tekton.dev/payload-validation: "false"}
spec:
  triggers:
  - name: everything
    interceptors:
    - ref: {name: github}
      params:
      - {name: secretRef, value: {secretName: hook, secretKey: token}}
      - {name: addChangedFiles, value: {enabled: true}}
    - ref: {name: cel}
      params:
      - name: overlays
        value:
        - {key: branch, expression: "has(body.ref) ? body.ref.split('/')[2] : 'none'"}
        - {key: upper, expression: "header.match('X-Github-Event', 'push')"}
        - {key: whole, expression: body}
    bindings:
    - {name: ref, value: $(body.ref)}
    - {name: all, value: $(body)}
    - {name: deep, value: "$(body..id)"}
    - {name: found, value: "$(body.commits[?(@.id == 'a')].message)"}
    - {name: headers, value: $(header)}
    - {name: extensions, value: $(extensions)}
    - {name: id, value: $(context.eventID)}
    template:
      spec:
        params:
        - {name: ref, default: none}
        - {name: deep, default: none}
        - {name: found, default: none}
        resourcetemplates:
        - apiVersion: tekton.dev/v1
          kind: PipelineRun
          metadata:
            generateName: run-
            labels: {fixed: label}
            annotations: {ref: $(tt.params.ref), id: "$(tt.params.id)-$(uid)"}
          spec:
            pipelineRef: {name: p}
            params:
            - {name: all, value: $(tt.params.all)}
            - {name: found, value: "$(tt.params.found) $(tt.params.deep) $(tt.params.headers)"}
            - {name: x, value: $(tt.params.extensions)}
  - name: slack
    interceptors:
    - ref: {name: github}
      params: [{name: secretRef, value: {secretName: hook, secretKey: token}}]
    - ref: {name: slack}
      params: [{name: requestedFields, value: [text]}]
    bindings: [{name: text, value: $(extensions.text)}]
    template:
      spec:
        resourcetemplates:
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: fixed}
          data: {text: $(tt.params.text)}
  - name: owners
    interceptors:
    - ref: {name: github}
      params:
      - {name: secretRef, value: {secretName: hook, secretKey: token}}
      - {name: eventTypes, value: [push]}
    - ref: {name: cel}
      params: [{name: filter, value: "body.commits.exists(c, c.added.exists(f, f.matches('^src/')))"}]
    template:
      spec:
        resourcetemplates:
        - apiVersion: v1
          kind: ConfigMap
          metadata: {generateName: fixed-}
"""
"""Every trigger verifies GitHub's signature with the key `token` of the secret `hook`."""
