"""The classroom pair: a small policy and reward models, trained by this project and shipped with
it."""
