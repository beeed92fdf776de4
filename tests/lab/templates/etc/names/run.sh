# Runs a server that always asks the system's resolver. In a mount namespace of its own, that is the
# lab's. It trusts the lab's CA, and runs as nobody.
#
#   run.sh PIDFILE COMMAND...
set -eu
if [ -z "${LAB_NAMES-}" ]; then
    exec env -i LAB_NAMES=yes PATH="$PATH" SSL_CERT_FILE=@DIR@/etc/tls/ca.crt \
        unshare --mount --propagation private setsid --fork sh "$0" "$@"
fi
mount --bind @DIR@/etc/names/resolv.conf /etc/resolv.conf
mount --bind @DIR@/etc/names/nsswitch.conf /etc/nsswitch.conf
echo $$ >"$1"
shift
exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"
