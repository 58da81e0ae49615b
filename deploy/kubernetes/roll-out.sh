#!/bin/sh
# roll-out.sh OVERLAY IMAGE: what pods read, the migrations, the workers, the API. Where the migrations fail no pod has
# changed; where pods do not become ready, those of both kinds go back.
set -eu
overlay=$1
image=$2
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

namespace=$(sed -n 's/^namespace: //p' "$overlay/kustomization.yaml")
kubectl kustomize "$overlay" | sed "s|image: registry.example/precis:.*|image: $image|" >"$rendered"

apply() {
    kubectl --namespace "$namespace" apply --filename "$rendered" --selector "app.kubernetes.io/name $1"
}

# A job's template cannot be changed: the former one goes. It ends by itself after half an hour, one way or the other.
kubectl --namespace "$namespace" delete job precis-migrate --ignore-not-found --wait
apply 'notin (precis-worker, precis-api)'
until false; do
    ended=$(kubectl --namespace "$namespace" get job precis-migrate \
        --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
    case " $ended " in
    *" Complete "*) break ;;
    *" Failed "*)
        kubectl --namespace "$namespace" logs job/precis-migrate --tail 50 >&2
        exit 1
        ;;
    esac
    sleep "${PRECIS_POLL_SECONDS:-5}"
done

# Workers go first: one of a former release tries a job again that a newer API gave it more to know of.
changed=""
for deployment in precis-worker precis-api; do
    apply "in ($deployment)"
    changed="$deployment $changed"
    kubectl --namespace "$namespace" rollout status --timeout=10m "deployment/$deployment" && continue
    for each in $changed; do
        kubectl --namespace "$namespace" rollout undo "deployment/$each" || true
    done
    exit 1
done
