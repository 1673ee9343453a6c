import os

import pytest

import app as walk


@pytest.fixture(scope="session", autouse=True)
def application():
    for name in ("GATEHOUSE_URL", "OIDC_URL"):
        assert os.environ.get(name), f"{name} is not set; see tests/sdk/README.md"
    return walk.create(os.environ["GATEHOUSE_URL"], os.environ["OIDC_URL"])
