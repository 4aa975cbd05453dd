"""Every model, whatever has to be installed for it."""

from __future__ import annotations

from . import keras_models, stable_baselines_models, tf_agents_models, transformers_models, trfl_models

MODULES = (keras_models, transformers_models, tf_agents_models, stable_baselines_models, trfl_models)
MODELS = tuple(model for module in MODULES for model in module.MODELS)
