"""Data science with segments: features, models, groups and tests of what works.

`features` (point in time), `matrix` (features as numbers), `lifetime` (lifetime
value), `lookalike`, `propensity`, `groups` (clustering in words), `rfm`, `holdout`
(random groups and lift).
"""
