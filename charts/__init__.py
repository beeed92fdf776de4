"""The Helm chart, and what is made of it: charts/mailtrip, and the kustomize base in
examples/kubernetes."""
