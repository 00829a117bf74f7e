"""Networks: a configuration becomes a Flax module, used through pure functions.

config = MODELS["macnn"]
model = make_model(config, classes=5)
variables = init_model(model, jax.random.key(0), (128, 128, 3))
logits, out = apply_model(model, variables, x)
"""
