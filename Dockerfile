# One image per service: docker build --target user-progress .
# `build` has the compiler; the images have the binary and the libraries it runs with, and nothing to build with.

# The files of /docs and /redoc, of npm's packages. Those of a release's tarball, or of a `make build` here, are taken as
# they are where they are the pinned ones; otherwise npm fetches them.
FROM debian:trixie-slim AS pages
WORKDIR /src
COPY pages/packages.sha512 build/pages/*.tgz build/pages/
RUN (cd build/pages && sha512sum --check --quiet packages.sha512 2>/dev/null) \
 || { apt-get update \
   && apt-get install -y --no-install-recommends npm ca-certificates \
   && rm -rf /var/lib/apt/lists/*; }
COPY tools/pages tools/pages
COPY pages pages
RUN tools/pages build/pages

FROM debian:trixie-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config libmicrohttpd-dev libpq-dev libcjson-dev \
    libcurl4-openssl-dev uuid-dev libidn2-dev libunistring-dev libcjose-dev \
    libjansson-dev libseccomp-dev libssl-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=pages /src/build/pages build/pages
RUN touch build/pages/pages.S && make build && strip build/release/bin/*

# What every image begins with, and what lists all that an image holds. What differs from one build to the next by its time
# or by chance is deleted, and layers are cached for each SOURCE_DATE_EPOCH, which is the time of their files: two builds of
# tools/images have the same layers.
FROM debian:trixie-slim AS bare
COPY VERSION tools/sbom pages/packages.sha512 /usr/share/sbom/
LABEL org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.licenses="GPL-3.0-only"

# What every service runs on. Nothing is written to disk: the root may be read-only.
FROM bare AS base
ARG SOURCE_DATE_EPOCH=0
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd12 libpq5 libcjson1 libcurl4t64 libuuid1 libidn2-0 \
    libunistring5 libcjose0 libseccomp2 zlib1g ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache
RUN useradd --no-create-home --shell /usr/sbin/nologin --uid 10001 service \
 && cd /usr/share/sbom && ./sbom "$(cat VERSION)" packages.sha512 >virtual-labs.spdx.json
USER 10001:10001
ENV PORT=8000 BIND_ADDRESS=0.0.0.0 USER_PROGRESS_SERVICE_URL=http://user-progress:8000 \
    PERFORMANCE_REPORTING_SERVICE_URL=http://performance-reporting:8000 \
    USAGE_ANALYTICS_SERVICE_URL=http://usage-analytics:8000
EXPOSE 8000
STOPSIGNAL SIGTERM

FROM base AS user-progress
LABEL org.opencontainers.image.title="user-progress" \
      org.opencontainers.image.description="Users, labs, lab attempts and the progress log of virtual labs"
COPY --from=build /src/build/release/bin/user-progress /usr/local/bin/user-progress
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/user-progress", "--health-check"]
ENTRYPOINT ["/usr/local/bin/user-progress"]

FROM base AS performance-reporting
LABEL org.opencontainers.image.title="performance-reporting" \
      org.opencontainers.image.description="Performance records of virtual labs, and reports of them"
COPY --from=build /src/build/release/bin/performance-reporting /usr/local/bin/performance-reporting
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/performance-reporting", "--health-check"]
ENTRYPOINT ["/usr/local/bin/performance-reporting"]

FROM base AS usage-analytics
LABEL org.opencontainers.image.title="usage-analytics" \
      org.opencontainers.image.description="Usage events of virtual labs, and what they say"
COPY --from=build /src/build/release/bin/usage-analytics /usr/local/bin/usage-analytics
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/usage-analytics", "--health-check"]
ENTRYPOINT ["/usr/local/bin/usage-analytics"]

# Makes the roles, the databases and the tables, for docker-compose.yml.
FROM base AS init
LABEL org.opencontainers.image.title="init" \
      org.opencontainers.image.description="Makes the roles, the databases and the tables of the services"
USER root
ARG SOURCE_DATE_EPOCH
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache \
 && cd /usr/share/sbom && ./sbom "$(cat VERSION)" packages.sha512 >virtual-labs.spdx.json
COPY tools/services /usr/local/share/services
COPY db/init db/roles /usr/local/bin/
COPY --from=build /src/build/release/bin/ /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/init"]

# One address for several containers of a service, for deploy/compose.scale.yml: HAProxy as Debian packages it.
FROM bare AS proxy
ARG SOURCE_DATE_EPOCH=0
RUN apt-get update \
 && apt-get install -y --no-install-recommends haproxy \
 && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache \
 && cd /usr/share/sbom && ./sbom "$(cat VERSION)" /dev/null >virtual-labs.spdx.json
LABEL org.opencontainers.image.title="proxy" \
      org.opencontainers.image.description="One address for several containers of a service"
COPY deploy/proxy/haproxy.cfg /etc/haproxy/haproxy.cfg
USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]

# PostgreSQL under Patroni, and etcd, as Debian packages them, for deploy/compose.ha.yml.
FROM bare AS etcd
ARG SOURCE_DATE_EPOCH=0
RUN apt-get update \
 && apt-get install -y --no-install-recommends etcd-server etcd-client \
 && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache /var/lib/etcd \
 && install -d -o etcd -g etcd -m 700 /var/lib/etcd \
 && cd /usr/share/sbom && ./sbom "$(cat VERSION)" /dev/null >virtual-labs.spdx.json
LABEL org.opencontainers.image.title="etcd" \
      org.opencontainers.image.description="By which the members of a PostgreSQL cluster agree on their leader"
USER etcd
ENTRYPOINT ["etcd"]

# PostgreSQL's package would make a cluster of its own; ssl-cert, which it needs, makes a key, which nobody uses.
FROM bare AS patroni
ARG SOURCE_DATE_EPOCH=0
RUN mkdir /etc/postgresql-common \
 && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
 && apt-get update \
 && apt-get install -y --no-install-recommends postgresql-17 patroni python3-etcd \
 && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache /var/cache/debconf/* \
 && find /etc/ssl \( -name 'ssl-cert-snakeoil.*' -o -lname '*ssl-cert-snakeoil.*' \) -delete \
 && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data \
 && cd /usr/share/sbom && ./sbom "$(cat VERSION)" /dev/null >virtual-labs.spdx.json
LABEL org.opencontainers.image.title="patroni" \
      org.opencontainers.image.description="PostgreSQL that chooses its leader"
COPY deploy/patroni/patroni.yml /etc/patroni.yml
ENV PATRONICTL_CONFIG_FILE=/etc/patroni.yml

# What every service runs on, with what the tests need: see tools/test-image.
FROM base AS tests
USER root
COPY tools/packages /tmp/packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends git make \
 && /tmp/packages install build run test browser faults \
 && rm -rf /var/lib/apt/lists/*
