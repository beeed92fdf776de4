#!/bin/sh
# Makes sure that Debian packages are installed. Says what is missing, and the cure, when it may not install them.
#
#   tests/debian.sh PACKAGE...           install what is missing: as root, or with sudo, which may ask at a terminal
#   tests/debian.sh --check PACKAGE...   only say what is missing
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive

only_check=no
[ "${1:-}" = --check ] && only_check=yes && shift

command -v dpkg-query >/dev/null || { echo "this is no Debian or Ubuntu; please install: $*" >&2; exit 1; }
missing=
for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=${SUDO:-sudo}
if [ $only_check = yes ] || ! "$(dirname "$0")/sudo.sh" "apt-get is to install$missing"; then
    echo "Debian packages are missing. As root:" >&2
    echo "    apt-get install --no-install-recommends -y$missing" >&2
    exit 1
fi

# Postfix asks nothing, and policy-rc.d keeps Debian from starting servers that nobody wants to run.
echo "installing, which may take some minutes:$missing"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap "$as_root rm -f $policy" EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $as_root sh -c "cat >$policy && chmod 755 $policy"
fi
case $missing in *postfix*)
    echo "postfix postfix/main_mailer_type select No configuration" | $as_root debconf-set-selections ;;
esac
log=$(mktemp)
# Who waits for minutes wants to see that it goes on.
while sleep 10; do echo "  … $(tail -n 1 "$log" | cut -c 1-100)"; done &
ticker=$!
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 --no-install-recommends"
# The package lists may be old or absent: then they are fetched, and it is tried once more.
$apt install $missing >"$log" 2>&1 </dev/null || { $apt update && $apt install $missing; } >>"$log" 2>&1 </dev/null
result=$?
kill $ticker
if [ $result != 0 ]; then
    tail -20 "$log" >&2
    echo "apt-get could not install:$missing (log: $log)" >&2
    exit 1
fi
rm -f "$log"

# With systemd they would start at the next boot and take the ports of others.
if [ -d /run/systemd/system ]; then
    for package in $missing; do
        case $package in cyrus-*) unit=cyrus-imapd ;; icinga2-*) unit=icinga2 ;; *) unit=${package%-core} ;; esac
        $as_root systemctl disable --quiet "$unit" 2>/dev/null
    done
fi
exit 0
