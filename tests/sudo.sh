#!/bin/sh
# Makes sure that commands can run as root from now on: asks for sudo's password where there is a terminal.
#
#   tests/sudo.sh WHY    exit 0: we are root, or sudo asks nothing any more
#
# SUDO names another program that does what sudo does.
[ "$(id -u)" != 0 ] || exit 0
sudo=${SUDO:-sudo}
command -v "$sudo" >/dev/null || exit 1
"$sudo" -n true 2>/dev/null && exit 0
[ -t 0 ] && [ -t 2 ] || exit 1
echo "sudo needs your password: $1" >&2
exec "$sudo" -v
