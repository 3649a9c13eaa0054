# Dockerfile - overlapd alone: the program, the libraries it loads, its licence and nothing else.
#
# docker build -t overlapd .
# docker run --rm overlapd token new --scope score
# docs/security.md says how to run it; tests/meta/test_image.sh does.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY script/bootstrap script/bootstrap
RUN script/bootstrap build
COPY . .
RUN make -s -j"$(nproc)" install DESTDIR=/built PREFIX=/usr \
    && install -Ds /built/usr/bin/overlapd /image/usr/bin/overlapd \
    && install -Dm644 LICENSE /image/usr/share/doc/overlapd/copyright \
    && ldd /image/usr/bin/overlapd | grep -o '/[^ ]*' | xargs cp -L --parents -t /image

FROM scratch
LABEL org.opencontainers.image.title="overlapd" \
      org.opencontainers.image.description="Scores segmentation masks over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build /image /
# Beyond loopback it starts only with tokens, or where OVERLAPD_AUTH_MODE=none says so.
ENV OVERLAPD_LISTEN_TCP=0.0.0.0:8040
EXPOSE 8040
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=2s CMD ["/usr/bin/overlapd", "--healthcheck"]
ENTRYPOINT ["/usr/bin/overlapd"]
