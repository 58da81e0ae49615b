#!/bin/sh
# roll-out.sh OVERLAY IMAGE: migrations first; where they fail nothing else has changed.
set -eu
overlay=$1
image=$2
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

namespace=$(sed -n 's/^namespace: //p' "$overlay/kustomization.yaml")
kubectl kustomize "$overlay" | sed "s|image: registry.example/precis:.*|image: $image|" >"$rendered"

# A job's template cannot be changed: the former one goes.
kubectl --namespace "$namespace" delete job precis-migrate --ignore-not-found --wait
kubectl --namespace "$namespace" apply --filename "$rendered" --selector app.kubernetes.io/name=precis-migrate
kubectl --namespace "$namespace" wait --for=condition=complete --timeout=30m job/precis-migrate
kubectl --namespace "$namespace" apply --filename "$rendered"
for deployment in precis-api precis-worker; do
    kubectl --namespace "$namespace" rollout status --timeout=10m "deployment/$deployment" || {
        kubectl --namespace "$namespace" rollout undo "deployment/$deployment"
        exit 1
    }
done
