"""Go's ways with JSON, YAML, forms, floats, text and URLs, which Tekton's behaviour is made of."""
