"""From an event to params and from params to resources: bindings, templates, JSONPath."""
