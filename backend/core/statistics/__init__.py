"""Pure numerics: weights and resampling of particles, estimators, calibration, mixtures. numpy and
scipy, no models, no hidden randomness."""
