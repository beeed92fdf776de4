#!/bin/sh
# Runs the tests that need Python alone (the marker `pure`) with the Python of a newer Debian, in a root of its own.
#
#   tests/pythons.sh SUITE DIRECTORY [ARGUMENT OF PYTEST]...
#
# As root: the root of the suite is made below DIRECTORY with mmdebstrap, once; the packages of pyproject.toml come
# beside it, and again when that file changes. While the tests run, nothing is fetched.
set -eu
export LC_ALL=C.UTF-8
suite=$1 directory=$2
shift 2
[ "$(id -u)" = 0 ] || { echo "tests/pythons.sh makes a root directory of Debian $suite: run it as root" >&2; exit 1; }
here=$(pwd)
root=$directory/$suite packages=$directory/$suite-packages

if [ ! -e "$root/done" ]; then
    mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
        sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+).*/\2/p' | head -1)
    [ -n "$mirror" ] || { echo "no Debian mirror in apt's sources" >&2; exit 1; }
    rm -rf "$root"
    mkdir -p "$directory"
    echo "making a root of Debian $suite"
    # A mirror may lag behind: what it has is good, and is signed.
    mmdebstrap --quiet --variant=minbase --include=python3 --aptopt='Acquire::Check-Valid-Until "false"' \
        "$suite" "$root" "$mirror"
    touch "$root/done"
fi
version=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ ! -e "$packages/done" ] || [ pyproject.toml -nt "$packages/done" ]; then
    rm -rf "$packages"
    echo "fetching packages for Python $version"
    # Not with pip, which would ask its own Python what is needed for which version.
    .venv/bin/python -m uv pip install --quiet --target "$packages" --python-version "$version" --only-binary :all: \
        --requirements pyproject.toml --extra dev
    touch "$packages/done"
fi
mkdir -p "$root/src" "$root/packages" "$root/usr/local/lib/python$version/dist-packages"
printf '%s\n' /src /packages >"$root/usr/local/lib/python$version/dist-packages/packages.pth"

echo "tests with Python $version of Debian $suite"
# In a name space of its own: what is mounted there goes with it.
exec unshare --mount --propagation private sh -eu -c '
    root=$1 src=$2 packages=$3 ci=$4
    shift 4
    mount --bind "$src" "$root/src"
    mount --bind "$packages" "$root/packages"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PYTHONPYCACHEPREFIX=/tmp/bytecode \
        ${ci:+CI="$ci"} sh -c "cd /src && exec python3 -m pytest -m pure \"\$@\"" sh "$@"
' sh "$root" "$here" "$packages" "${CI-}" "$@"
