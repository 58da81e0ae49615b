#!/bin/sh
# Spectral with its OWASP ruleset over an OpenAPI document: openapi_lint.sh openapi.json
# No Node: says that the step was not run, and passes; with CI=true that is a failure.
set -eu

document=$1
rules=$(cd "$(dirname "$0")" && pwd)/spectral.yaml
cache=$(cd "$(dirname "$0")/../.." && pwd)/.tools/node
spectral=@stoplight/spectral-cli@6.16.0
owasp=@stoplight/spectral-owasp-ruleset@2.0.1

if ! command -v npx >/dev/null 2>&1; then
    echo "openapi lint: NOT RUN: it needs npx (Node 20 or later), which is not installed."
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi

# Spectral looks for rulesets beside its rules file; NODE_PATH leads it to where npx put them.
exec env npm_config_cache="$cache" npm_config_update_notifier=false \
    npx --yes --package "$spectral" --package "$owasp" -- sh -c '
    NODE_PATH=$(dirname "$(dirname "$(command -v spectral)")")
    export NODE_PATH
    exec spectral lint "$1" --ruleset "$2" --fail-severity hint --format stylish' sh "$document" "$rules"
