"""Pure numerics of particle methods: weights and resampling. numpy only, no models, no hidden randomness."""
