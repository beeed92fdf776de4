"""examples/kubernetes: held to the schemas of Kubernetes and of the Operator, to each other, and
run."""
