"""How the behaviours search: the same way in every run, or widely on request."""

from hypothesis import HealthCheck, Phase, settings

# The same examples in every run: a regression suite must not fail by the luck of a draw.
settings.register_profile(
    "behaviours",
    derandomize=True,
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# New examples in every run, many of them: --hypothesis-profile=search
settings.register_profile(
    "search",
    max_examples=500,
    deadline=None,
    phases=tuple(Phase),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("behaviours")
