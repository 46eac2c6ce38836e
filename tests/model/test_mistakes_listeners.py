"""Mistakes in listeners and their triggers: what each is called, and where."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.model.support import API, EL, QUOTE, QUOTE_BOOLEAN, TRIGGER, listener, mistakes, selecting

CASES: dict[str, tuple[str, list[str]]] = {
    "an unknown field, with the one that was meant": (
        listener("interceptors:\n  - ref: {nme: github}"),
        [f'8: {TRIGGER}.interceptors[0].ref.nme: unknown field; did you mean "name"?'],
    ),
    "an unknown field that is like no other": (
        listener("interceptors:\n  - ref: {name: github, zzz: 1}"),
        [f"8: {TRIGGER}.interceptors[0].ref.zzz: unknown field; known are apiVersion, kind, name"],
    ),
    "a known field twice, once in another case": (
        listener("serviceAccountName: sa\nserviceaccountname: sa"),
        [f'8: {TRIGGER}.serviceaccountname: unknown field; did you mean "serviceAccountName"?'],
    ),
    "a null entry": (
        listener("bindings:\n  -"),
        [f"8: {TRIGGER}.bindings[0]: must be an object, not null"],
    ),
    "a kind of our group that is like no other": (
        API + "kind: Zzz\nmetadata: {name: x}",
        [
            (
                "2: Zzz lab/x: kind: triggers.tekton.dev has no kind Zzz; known are ClusterInterceptor,"
                " ClusterTriggerBinding, EventListener, Interceptor, Trigger, TriggerBinding, TriggerTemplate"
            )
        ],
    ),
    "a document that is no object": (
        "- kind: EventListener",
        ["1: must be an object with apiVersion and kind, not a list"],
    ),
    "a listener that selects nothing": (
        API + "kind: EventListener\nmetadata: {name: el}\nspec: {triggers: [], namespaceSelector: {}}",
        [f"4: {EL}: selects no trigger; triggers, triggerGroups, labelSelector or namespaceSelector is required"],
    ),
    "a listener's name that is too long for Tekton": (
        API + f"kind: EventListener\nmetadata: {{name: {'a' * 61}}}\nspec: {{labelSelector: {{}}}}",
        [f"3: EventListener lab/{'a' * 61}: metadata.name: must not be longer than 60 characters"],
    ),
    "an annotation that would be misread": (
        API
        + "kind: EventListener\nmetadata:\n  name: el\n  annotations:\n    tekton.dev/payload-validation: 'no'\n"
        + "spec: {labelSelector: {}}",
        ['6: EventListener lab/el: metadata.annotations["tekton.dev/payload-validation"]: must be "true" or "false"'],
    ),
    "a cloudEventURI that is no URL": (
        selecting("labelSelector: {}\ncloudEventURI: broker.svc"),
        [f"6: {EL}.cloudEventURI: must be an http or https URL"],
    ),
    "both kinds of resources": (
        selecting("labelSelector: {}\nresources:\n  kubernetesResource: {}\n  customResource: {}"),
        [f"8: {EL}.resources.customResource: stands beside kubernetesResource; keep one of them"],
    ),
    "a trigger without template and triggerRef": (
        selecting("triggers:\n  - name: t\n    bindings: []"),
        [f"6: {TRIGGER}: has neither template nor triggerRef; one of them is required"],
    ),
    "a triggerRef beside a template": (
        listener("triggerRef: other\nbindings: []"),
        [f"7: {TRIGGER}.triggerRef: stands beside template, bindings; keep one of them"],
    ),
    "a trigger's name that can be no label": (
        selecting("triggers:\n  - name: my trigger\n    template: {ref: x}"),
        [
            (
                f"6: {TRIGGER}.name: must be a valid label value; letters, digits, '-', '_' and '.', at most 63,"
                " beginning and ending with a letter or digit"
            )
        ],
    ),
    "a template that is ref and spec": (
        selecting("triggers:\n  - template:\n      ref: x\n      spec: {resourcetemplates: []}"),
        [f"8: {TRIGGER}.template.spec: stands beside ref; keep one of them"],
    ),
    "an empty template": (
        selecting("triggers:\n  - template: {}"),
        [f'6: {TRIGGER}.template: is empty; write "ref" or "spec"'],
    ),
    "an empty template ref": (
        selecting("triggers:\n  - template: {ref: ''}"),
        [f"6: {TRIGGER}.template.ref: must not be empty"],
    ),
    "v1alpha1's template name in v1beta1": (
        selecting("triggers:\n  - template: {name: x}"),
        [f'6: {TRIGGER}.template.name: unknown field; write "ref"'],
    ),
    "a binding that names nothing": (
        listener("bindings:\n  - {kind: TriggerBinding}"),
        [f'8: {TRIGGER}.bindings[0]: names nothing; write "ref", or "name" with "value"'],
    ),
    "a binding that is ref and name": (
        listener("bindings:\n  - ref: x\n    name: y"),
        [
            (
                f"9: {TRIGGER}.bindings[0].name: stands beside ref; keep one of them: a binding is a ref, or a name"
                " with a value"
            )
        ],
    ),
    "a binding with a name and no value": (
        listener("bindings:\n  - name: y"),
        [
            (
                f"8: {TRIGGER}.bindings[0].value: this field is required; to refer to a TriggerBinding,"
                ' write "ref" in place of "name"'
            )
        ],
    ),
    "a binding of an unknown kind": (
        listener("bindings:\n  - ref: x\n    kind: ClusterTriggerBindin"),
        [
            (
                f"9: {TRIGGER}.bindings[0].kind: must be one of TriggerBinding, ClusterTriggerBinding;"
                ' did you mean "ClusterTriggerBinding"?'
            )
        ],
    ),
    "no interceptor in an entry": (
        listener("interceptors:\n  - name: mine"),
        [
            (
                f'8: {TRIGGER}.interceptors[0]: names no interceptor; write "ref: {{name: github}}", or the name of'
                " another one"
            )
        ],
    ),
    "a ref without a name": (
        listener("interceptors:\n  - ref: {kind: ClusterInterceptor}"),
        [f"8: {TRIGGER}.interceptors[0].ref.name: this field is required"],
    ),
    "a ref of an unknown kind": (
        listener("interceptors:\n  - ref: {name: x, kind: Interceptor}"),
        [
            (
                f"8: {TRIGGER}.interceptors[0].ref.kind: must be one of ClusterInterceptor, NamespacedInterceptor;"
                ' did you mean "ClusterInterceptor"?'
            )
        ],
    ),
    "v1alpha1's interceptors in v1beta1": (
        listener("interceptors:\n  - github: {eventTypes: [push]}\n  - slack: {}"),
        [
            (
                f'8: {TRIGGER}.interceptors[0].github: unknown field; write "ref: {{name: github}}" and give its fields'
                " as params"
            ),
            (
                f'9: {TRIGGER}.interceptors[1].slack: unknown field; write "ref: {{name: slack}}" and give its fields'
                " as params"
            ),
        ],
    ),
    "two interceptors in an entry": (
        listener("interceptors:\n  - ref: {name: github}\n    webhook: {objectRef: {name: svc}}"),
        [f"8: {TRIGGER}.interceptors[0]: more than one interceptor in one entry: ref, webhook; make each an entry"],
    ),
    "a param without a value": (
        listener("interceptors:\n  - ref: {name: cel}\n    params: [{name: filter}]"),
        [f"9: {TRIGGER}.interceptors[0].params[0].value: this field is required"],
    ),
    "a webhook without objectRef": (
        listener("interceptors:\n  - webhook: {url: https://example.com}"),
        [
            (
                f"8: {TRIGGER}.interceptors[0].webhook.objectRef: this field is required; name the Service; Tekton does"
                " not take url alone"
            )
        ],
    ),
    "a webhook's Service without a name": (
        listener("interceptors:\n  - webhook: {objectRef: {kind: Service, apiVersion: v1}}"),
        [f"8: {TRIGGER}.interceptors[0].webhook.objectRef.name: this field is required"],
    ),
    "a webhook to something else than a Service": (
        listener("interceptors:\n  - webhook: {objectRef: {name: x, kind: Deployment, apiVersion: apps/v1}}"),
        [
            f"8: {TRIGGER}.interceptors[0].webhook.objectRef.kind: must be Service",
            f"8: {TRIGGER}.interceptors[0].webhook.objectRef.apiVersion: must be v1",
        ],
    ),
    "a webhook's headers": (
        listener(
            """
            interceptors:
              - webhook:
                  objectRef: {name: x}
                  header:
                    - {name: x-first, value: a}
                    - {name: X-Second, value: []}
                    - {name: X-Third, value: [a, 1]}
            """
        ),
        [
            f'11: {TRIGGER}.interceptors[0].webhook.header[0].name: must be in canonical form; write "X-First"',
            f"12: {TRIGGER}.interceptors[0].webhook.header[1].value: must not be empty",
            f"13: {TRIGGER}.interceptors[0].webhook.header[2].value[1]: must be a string, not a number; {QUOTE}",
        ],
    ),
    "a group that lacks everything": (
        selecting("triggerGroups:\n  - triggerSelector: {}"),
        [
            (
                f"6: {EL}.triggerGroups[0].triggerSelector: selects no trigger; labelSelector or namespaceSelector is"
                " required"
            ),
            f"6: {EL}.triggerGroups[0].interceptors: needs at least one interceptor",
        ],
    ),
    "selectors": (
        selecting(
            """
            namespaceSelector: {matchNames: [5]}
            labelSelector:
              matchLabels: {a: true}
              matchExpressions:
                - {key: a, operator: Inn}
                - {key: a, operator: In}
                - {key: a, operator: Exists, values: [x]}
                - {operator: Exists}
                - {key: a/b/c, operator: Exists}
                - {key: a}
                - {key: a, operator: NotIn, values: [x y]}
            """
        ),
        [
            f"5: {EL}.namespaceSelector.matchNames[0]: must be a string, not a number; {QUOTE}",
            f"7: {EL}.labelSelector.matchLabels.a: must be a string, not a boolean; {QUOTE_BOOLEAN}",
            (
                f"9: {EL}.labelSelector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist;"
                ' did you mean "In"?'
            ),
            f"10: {EL}.labelSelector.matchExpressions[1].values: In needs at least one value",
            f"11: {EL}.labelSelector.matchExpressions[2].values: Exists takes no values; remove them",
            f"12: {EL}.labelSelector.matchExpressions[3].key: this field is required",
            f"13: {EL}.labelSelector.matchExpressions[4].key: is no valid label key",
            (
                f"14: {EL}.labelSelector.matchExpressions[5].operator: this field is required; one of In,"
                " NotIn, Exists, DoesNotExist"
            ),
            (
                f"15: {EL}.labelSelector.matchExpressions[6].values: must be a valid label value; letters, digits, '-',"
                " '_' and '.', at most 63, beginning and ending with a letter or digit"
            ),
        ],
    ),
    "a v1alpha1 entry with two interceptors, of which Tekton would silently drop the first": (
        listener("interceptors:\n  - github: {}\n    cel: {filter: 'true'}").replace("v1beta1", "v1alpha1"),
        [f"8: {TRIGGER}.interceptors[0]: more than one interceptor in one entry: cel, github; make each an entry"],
    ),
    "v1alpha1's old fields beside the new ones": (
        selecting(
            """
            triggers:
              - interceptor: {github: {}}
                interceptors: [{ref: {name: cel}}]
                serviceAccount: {name: a}
                serviceAccountName: b
                template: {name: x, spec: {}}
              - template: {name: x, ref: y}
            """
        ).replace("v1beta1", "v1alpha1"),
        [
            f"6: {TRIGGER}.interceptor: stands beside interceptors; keep one of them",
            f"8: {TRIGGER}.serviceAccount: stands beside serviceAccountName; keep one of them",
            f"10: {TRIGGER}.template.spec: stands beside name; keep one of them",
            f"11: {EL}.triggers[1].template.name: stands beside ref; keep ref",
        ],
    ),
    "numbers, objects and texts in each other's places": (
        selecting("triggers:\n  - interceptors: {}\n    template: x\nlabelSelector: 1\nresources: []"),
        [
            f"6: {TRIGGER}.interceptors: must be a list, not an object",
            f"7: {TRIGGER}.template: must be an object, not a string",
            f"8: {EL}.labelSelector: must be an object, not a number",
            f"9: {EL}.resources: must be an object, not a list",
        ],
    ),
    "v1alpha1's own fields, mistyped": (
        listener(
            """
            serviceAccount: {name: sa, namespace: other}
            interceptors:
              - github: {eventTypes: push, secretRefs: {}}
              - gitlab: {secretRef: {secretName: 1}}
              - cel: {filter: true, overlays: [{key: a, expresion: b}]}
            """
        ).replace("v1beta1", "v1alpha1"),
        [
            (
                f"7: {TRIGGER}.serviceAccount.namespace: accounts are taken from the trigger's own namespace only;"
                " remove it"
            ),
            f"9: {TRIGGER}.interceptors[0].github.eventTypes: must be a list, not a string",
            f'9: {TRIGGER}.interceptors[0].github.secretRefs: unknown field; did you mean "secretRef"?',
            f"10: {TRIGGER}.interceptors[1].gitlab.secretRef.secretName: must be a string, not a number; {QUOTE}",
            f"11: {TRIGGER}.interceptors[2].cel.filter: must be a string, not a boolean; {QUOTE_BOOLEAN}",
            f'11: {TRIGGER}.interceptors[2].cel.overlays[0].expresion: unknown field; did you mean "expression"?',
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_line_its_path_and_what_would_be_right(name: str) -> None:
    text, expected = CASES[name]
    assert mistakes(dedent(text)) == expected
