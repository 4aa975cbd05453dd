"""Every model, whatever has to be installed for it."""
from __future__ import annotations

from . import keras_models

MODELS = keras_models.MODELS
