# One image per service: docker build --target user-progress .
# `build` has the compiler; the images have the binary and the libraries it runs with, and nothing to build with.

# The files of /docs and /redoc, from npm: made again only when their pins change.
FROM debian:trixie-slim AS pages
RUN apt-get update \
 && apt-get install -y --no-install-recommends npm ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
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

# What every service runs on. Nothing is written to disk: the root may be read-only.
FROM debian:trixie-slim AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd12 libpq5 libcjson1 libcurl4t64 libuuid1 libidn2-0 \
    libunistring5 libcjose0 libseccomp2 zlib1g ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --no-create-home --shell /usr/sbin/nologin --uid 10001 service
LABEL org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.licenses="GPL-3.0-only" \
      org.opencontainers.image.description="A service that tracks, analyses or reports what users do in virtual labs"
USER 10001:10001
ENV PORT=8000 BIND_ADDRESS=0.0.0.0 USER_PROGRESS_SERVICE_URL=http://user-progress:8000 \
    PERFORMANCE_REPORTING_SERVICE_URL=http://performance-reporting:8000 \
    USAGE_ANALYTICS_SERVICE_URL=http://usage-analytics:8000
EXPOSE 8000
STOPSIGNAL SIGTERM

FROM base AS user-progress
COPY --from=build /src/build/release/bin/user-progress /usr/local/bin/user-progress
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/user-progress", "--health-check"]
ENTRYPOINT ["/usr/local/bin/user-progress"]

FROM base AS performance-reporting
COPY --from=build /src/build/release/bin/performance-reporting /usr/local/bin/performance-reporting
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/performance-reporting", "--health-check"]
ENTRYPOINT ["/usr/local/bin/performance-reporting"]

FROM base AS usage-analytics
COPY --from=build /src/build/release/bin/usage-analytics /usr/local/bin/usage-analytics
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/usage-analytics", "--health-check"]
ENTRYPOINT ["/usr/local/bin/usage-analytics"]

# Makes the roles, the databases and the tables, for docker-compose.yml.
FROM base AS init
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*
COPY tools/services /usr/local/share/services
COPY db/init db/roles /usr/local/bin/
COPY --from=build /src/build/release/bin/ /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/init"]

# What every service runs on, with what the tests need: see tools/test-image.
FROM base AS tests
USER root
COPY tools/packages /tmp/packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends git make \
 && /tmp/packages install build run test browser faults \
 && rm -rf /var/lib/apt/lists/*
