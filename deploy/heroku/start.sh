#!/bin/sh
# What Heroku's and App Platform's own variables leave out.
set -eu

# One role owns and serves there; forced row-level security holds for it too.
case $DATABASE_URL in
*\?*) ;;
*) export DATABASE_URL="$DATABASE_URL?sslmode=require" ;;
esac
# Heroku's Redis shows a certificate of its own making.
case ${REDIS_URL:-} in
rediss://*\?*) ;;
rediss://*) export REDIS_URL="$REDIS_URL?ssl_cert_reqs=none" ;;
esac
export HOST=0.0.0.0 PRECIS_DATA_DIR=/tmp/precis
exec precis "$@"
