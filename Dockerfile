# The image of mailtrip: a virtual environment on a small Python, and nothing else. docs/running.md says how to run it.
#
#   docker build --tag mailtrip .        (podman build --format docker: its own format has no HEALTHCHECK)
#   docker run --read-only --cap-drop ALL --publish 10925:10925 mailtrip
#
# Any image with Python 3.11 or newer can be the base, also one from your own registry or one named by its digest.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
COPY share share
# What installs (pip, uv) stays in this stage. Compiled here, since a read-only root cannot keep what is compiled later.
RUN python -m pip install --root-user-action ignore --no-cache-dir uv \
    && python -m venv --without-pip /opt/mailtrip \
    && uv pip install --no-cache --compile-bytecode --python /opt/mailtrip/bin/python '.[tracing]'

FROM ${BASE}
LABEL org.opencontainers.image.title="mailtrip" \
      org.opencontainers.image.description="E-mail round-trip exporter for Prometheus" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-only"
COPY --from=build /opt/mailtrip /opt/mailtrip
RUN install -d -m 0700 -o 10925 -g 10925 /var/lib/mailtrip

# Where the state is when the configuration does not say: the name is systemd's, so that both ways of running agree.
ENV PATH=/opt/mailtrip/bin:$PATH STATE_DIRECTORY=/var/lib/mailtrip MAILTRIP_HEALTH=127.0.0.1:10925
VOLUME /var/lib/mailtrip
# Where mailtrip.yml is looked for if --config.file is not given, also by `exec mailtrip probe NAME`.
WORKDIR /etc/mailtrip
EXPOSE 10925

# A number, because Kubernetes' runAsNonRoot cannot tell that a name is not root.
USER 10925:10925

# Any answer means healthy: also 401 or 404, where there are logins or a prefix, and also by hanging up on plain HTTP,
# as a TLS server does. A program that hangs does neither, and is given 4 s; the rest of the timeout is for Python to start on a
# busy machine. MAILTRIP_HEALTH says where, if --web.listen-address differs.
HEALTHCHECK --interval=30s --timeout=30s --start-period=10s CMD ["python", "-I", "-c", "\
import os, socket; \
door = socket.create_connection(os.environ['MAILTRIP_HEALTH'].rsplit(':', 1), 4); \
door.sendall(b'GET /-/healthy HTTP/1.0\\r\\n\\r\\n'); \
door.recv(1)"]

ENTRYPOINT ["mailtrip"]
CMD ["serve"]
