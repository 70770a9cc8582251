# One image for every service: setup, worker, dashboard and the command line.
# By digest: `make pins` renews it, here and in the compose files.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS requirements
COPY pyproject.toml /
RUN python -c 'import tomllib; p = tomllib.load(open("/pyproject.toml", "rb")); \
        print(*p["build-system"]["requires"], *p["project"]["dependencies"], *p["project"]["optional-dependencies"]["s3"], \
              sep="\n")' > /requirements.txt

FROM ${PYTHON_IMAGE}
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/automl/bin:$PATH
RUN python -m venv /opt/automl
WORKDIR /build

# Gigabytes of dependencies in one layer, which only a change of the dependencies themselves builds anew.
# TORCH_INDEX: another index for PyTorch, such as PyTorch's own one of much smaller CPU builds
ARG TORCH_INDEX=""
COPY constraints.txt ./
COPY --from=requirements /requirements.txt ./
RUN { [ -z "$TORCH_INDEX" ] \
      || pip install --constraint constraints.txt --index-url "$TORCH_INDEX" torch torchvision; } \
 && pip install --constraint constraints.txt --requirement requirements.txt

# The home's volume takes its owner from here; `setup` gives it to AUTOML_UID where that is another.
RUN useradd --uid 1000 --no-create-home --home-dir /var/lib/automl automl \
 && install -d -o automl -g automl /var/lib/automl /artifacts /project

COPY pyproject.toml README.md LICENSE ./
COPY search_spaces search_spaces
COPY automl automl
RUN pip install --no-deps --no-build-isolation . && rm -rf /build/*

ENV HOME=/var/lib/automl \
    USER=automl \
    AUTOML_HOME=/var/lib/automl \
    AUTOML_ARTIFACTS=/artifacts \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1
USER automl
WORKDIR /project
ENTRYPOINT ["automl"]
CMD ["--help"]
