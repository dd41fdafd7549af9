import pytest


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="also run what downloads a model")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    skip = pytest.mark.skip(reason="downloads a model; runs with --run-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
