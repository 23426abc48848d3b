# The image of both tiers. A gateway is its default command, a router is `docker run … router/src/main.ts`.
# Plain Dockerfile syntax: the classic builder, BuildKit, buildah and kaniko all build it, without arguments.

FROM node:24-bookworm-slim AS packages
WORKDIR /app
# Manifests alone, so that the packages are installed anew only when these change.
COPY package.json package-lock.json ./
COPY proto/package.json proto/
COPY service/package.json service/
COPY gateway/package.json gateway/
COPY router/package.json router/
COPY client/package.json client/
# No package of ours has a script to run at install, and none of theirs may.
RUN npm ci --omit=dev --workspace gateway --workspace router --ignore-scripts --no-audit --no-fund \
 && rm -r client package-lock.json

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Sluice" \
      org.opencontainers.image.description="A realtime gateway: WebSocket clients on NATS. Gateway and router in one image." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.base.name="docker.io/library/node:24-bookworm-slim"
ENV NODE_ENV=production
WORKDIR /app
# With whatever npm has put below a workspace in place of the root.
COPY --from=packages /app ./
COPY LICENSE ./
COPY proto ./proto
COPY service ./service
COPY gateway ./gateway
COPY router ./router

# The user `node` of the base image, as a number: `runAsNonRoot` of Kubernetes cannot judge a name.
USER 1000:1000
EXPOSE 8080 9080 9090
# The admin port of whichever tier runs here. Kubernetes has probes of its own and ignores this.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "const { SLUICE_ADMIN_PORT: gateway = 9080, SLUICE_ROUTER_ADMIN_PORT: router = 9090 } = process.env; Promise.any([gateway, router].map(async (port) => { const { ok } = await fetch(`http://127.0.0.1:${port}/livez`); if (!ok) throw new Error() })).catch(() => process.exit(1))"]
# Node itself is process 1: it handles SIGTERM, and starts no children that somebody would have to reap.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node"]
CMD ["gateway/src/main.ts"]
