# The images of Gatehouse: all-in-one (target gatehouse, the last), one for each service, and the gateway. scripts/images.sh builds all of them.
#
#   docker build -t gatehouse .
#   docker build --target gatehouse-session -t gatehouse-session .
#
# Each has its program, the libraries which that loads, and nothing else: no package manager, no root. BASE_IMAGE is what they are built in: any image of Debian 12.
# PROGRAMS names an image that has the programs already, in /src/build/release/bin, and what scripts/install-deps.sh installs: then nothing is compiled (by BuildKit or buildah).
ARG BASE_IMAGE=debian:12-slim
ARG PROGRAMS=build

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY scripts/install-deps.sh scripts/
RUN scripts/install-deps.sh build
COPY . .
RUN scripts/build.sh release programs

FROM ${PROGRAMS} AS files
COPY deploy/images/collect-files.sh /src/deploy/images/
RUN /src/deploy/images/collect-files.sh /src/build/release/bin /files

# What all images share, so that a machine has it once.
FROM scratch AS base
COPY --from=files /files/base/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="An authentication back end with the REST interface of the SuperTokens core" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# /readyz and /metrics are for whoever reaches the container; which ports are published is decided where it is run.
ENV GATEHOUSE_ADMIN_HOST=0.0.0.0
EXPOSE 3568
USER 1000:1000
STOPSIGNAL SIGTERM
# In every image /usr/bin/gatehouse is its program.
# Each check has the engine start a process in the container, and a suite is fifteen of them: not too often. And not too soon: a machine that starts all of them at once answers late, and Compose
# gives up on what was unhealthy once.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=5 CMD ["/usr/bin/gatehouse", "health"]
ENTRYPOINT ["/usr/bin/gatehouse"]

FROM base AS gatehouse-tenants
COPY --from=files /files/gatehouse-tenants/ /

FROM base AS gatehouse-jwks
COPY --from=files /files/gatehouse-jwks/ /

FROM base AS gatehouse-users
COPY --from=files /files/gatehouse-users/ /

FROM base AS gatehouse-thirdparty
COPY --from=files /files/gatehouse-thirdparty/ /

FROM base AS gatehouse-passwordless
COPY --from=files /files/gatehouse-passwordless/ /

FROM base AS gatehouse-webauthn
COPY --from=files /files/gatehouse-webauthn/ /

FROM base AS gatehouse-session
COPY --from=files /files/gatehouse-session/ /

FROM base AS gatehouse-roles
COPY --from=files /files/gatehouse-roles/ /

FROM base AS gatehouse-totp
COPY --from=files /files/gatehouse-totp/ /

FROM base AS gatehouse-dashboard
COPY --from=files /files/gatehouse-dashboard/ /

FROM base AS gatehouse-oauth
COPY --from=files /files/gatehouse-oauth/ /

FROM base AS gatehouse-saml
COPY --from=files /files/gatehouse-saml/ /

FROM base AS gatehouse-accounts
COPY --from=files /files/gatehouse-accounts/ /

FROM base AS gatehouse-gateway
COPY --from=files /files/gatehouse-gateway/ /
ENV SUPERTOKENS_HOST=0.0.0.0
EXPOSE 3567

# To take in place of the original's image: same port, user, environment, place of config.yaml, entry point and command.
FROM base AS gatehouse
COPY --from=files /files/gatehouse/ /
ENV SUPERTOKENS_HOST=0.0.0.0 \
    GATEHOUSE_DATA_DIR=/var/lib/gatehouse/data
EXPOSE 3567
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
CMD ["supertokens", "start"]
