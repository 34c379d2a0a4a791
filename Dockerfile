# One image for both kinds of machine. CUDA: docker build --build-arg REQUIREMENTS=requirements.txt .   (the default is the CPU product)
FROM python:3.11-slim

ARG REQUIREMENTS=requirements-cpu.txt
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 arboretum \
    && install --directory --owner arboretum /home/arboretum/app
USER arboretum
WORKDIR /home/arboretum/app

COPY --chown=arboretum Makefile requirements*.txt ./
COPY --chown=arboretum locks locks
ENV REQUIREMENTS=${REQUIREMENTS} PIP_NO_CACHE_DIR=1
RUN make install

COPY --chown=arboretum . .
RUN mkdir -p var
VOLUME /home/arboretum/app/var
EXPOSE 8501
# Health is behind the token like everything else. Without a token of the user's the service makes one and has to ask for it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD .venv/bin/python -c "import http.client, os, sys; token = os.environ.get('ARBORETUM_TOKEN'); \
    asked = http.client.HTTPConnection('127.0.0.1', 8501, timeout=4); \
    asked.request('GET', '/api/health', headers={'Authorization': f'Bearer {token}'}); \
    sys.exit(asked.getresponse().status != (200 if token else 401))"
# Bound beyond loopback, so a token is required: docker run -e ARBORETUM_TOKEN=... -p 8501:8501 IMAGE
ENV HOST=0.0.0.0
CMD ["make", "run"]
