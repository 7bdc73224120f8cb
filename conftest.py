"""The repository's own runs load the harness's plugin whether or not it is installed."""

pytest_plugins = ["inception_harness.plugin", "pytester"]
