#!/bin/sh
# /etc/letsencrypt/renewal-hooks/deploy/precis: after `certbot certonly --webroot -w /var/www/acme -d NAME`, nginx takes
# up each renewed certificate. RENEWED_LINEAGE is certbot's.
set -eu
install -m 0644 "$RENEWED_LINEAGE/fullchain.pem" /etc/nginx/tls/fullchain.pem
install -m 0600 "$RENEWED_LINEAGE/privkey.pem" /etc/nginx/tls/privkey.pem
nginx -t -q
systemctl reload nginx
