"""A stand-in for Docker's python image, made of the Debian packages of this machine: nothing has to
be pulled.

A build on it proves the steps of the Dockerfile and the program in the image, but not the bytes of
Docker's own image.
"""

import io
import subprocess
import tarfile
import zlib
from pathlib import Path

from tests.container.podman import Podman

_PACKAGES = ["base-files", "ca-certificates", "coreutils", "dash", "findutils", "netbase", "tzdata"]
_PYTHON = ["python3", "python3-pip", "python3-venv"]
_DEPENDS = (
    "apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts"
    " --no-breaks"
)
_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
WHEELS = "/wheels"  # where pip and uv find, in a build, what they would fetch from a registry
_FILES: dict[str, str | Path] = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/pip.conf": (
        f"[global]\nno-index = true\nfind-links = {WHEELS}\ndisable-pip-version-check = true\n"
    ),
    "etc/uv/uv.toml": f'no-index = true\nfind-links = ["{WHEELS}"]\n',
    "etc/ssl/certs/ca-certificates.crt": Path(_CERTIFICATES),
}


def stand_in(podman: Podman) -> str:
    """The image's name; it is made again when a package has been upgraded."""
    packages = _output(
        *_DEPENDS.split(), "--no-replaces", "--no-enhances", *_PACKAGES, *_PYTHON
    ).splitlines()
    names = sorted({name for name in packages if name[0].isalnum()})
    versions = _output("dpkg-query", "--show", *names)
    made_of = f"{versions}{_FILES}".encode()
    tag = f"localhost/mailtrip-stand-in:{zlib.crc32(made_of):08x}"
    if not podman.has_image(tag):
        archive = podman.directory / "stand-in.tar"
        _write(archive, _output("dpkg-query", "--listfiles", *names).splitlines())
        podman("import", "--quiet", "--change", f"ENV SSL_CERT_FILE={_CERTIFICATES}", archive, tag)
        archive.unlink()
    return tag


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _write(archive: Path, files: list[str]) -> None:
    """Each once, and where it really is: Debian's /bin is a link, and a package may still say
    /bin/sh."""
    real = {
        path.parent.resolve() / path.name
        for path in map(Path, files)
        if not f"{path}/".startswith(_LEFT_OUT)
    }
    with tarfile.open(archive, "w") as tar:
        for path in sorted(real - {Path("/")}):
            if path.name != "EXTERNALLY-MANAGED" and (path.is_symlink() or path.exists()):
                tar.add(path, recursive=False)
        for name, content in _FILES.items():
            _add(tar, name, content.read_bytes() if isinstance(content, Path) else content.encode())
        link = tarfile.TarInfo("usr/local/bin/python")  # as Docker's image calls it
        link.type, link.linkname = tarfile.SYMTYPE, "/usr/bin/python3"
        tar.addfile(link)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    file = tarfile.TarInfo(name)
    file.size, file.mode = len(content), 0o644
    tar.addfile(file, io.BytesIO(content))
