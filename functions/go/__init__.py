"""Go's ways with JSON, forms, text, time and URLs, which Tekton's behaviour is made of."""
