#!/bin/sh
# Unpacks Debian packages of a newer suite into a directory, beside the system, which stays as it is.
#
#   tests/newer.sh SUITE DIRECTORY PACKAGE...
set -eu
export LC_ALL=C
suite=$1 directory=$2
shift 2
[ "$(cat "$directory/done" 2>/dev/null)" != "$suite $*" ] || exit 0
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keys ] || { echo "this is no Debian: without $*, and the tests that need them" >&2; exit 0; }

mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+).*/\2/p' | head -1)
[ -n "$mirror" ] || { echo "no Debian mirror in apt's sources" >&2; exit 1; }

# An apt of its own, with the keys of the system.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
echo "deb [signed-by=$keys] $mirror $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$work/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
CONF
export APT_CONFIG="$work/apt.conf"
apt-get -qq update
(cd "$work/debs" && apt-get -qq download "$@")
mkdir -p "$directory"
for deb in "$work"/debs/*.deb; do
    dpkg-deb --extract "$deb" "$directory"
done
echo "$suite $*" >"$directory/done"
