"""Nested cross-validation on Optuna: settings chosen without those they are scored on."""
