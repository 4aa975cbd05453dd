"""A Keras callback that watches the first batch of ``fit``, for which Keras traces its step anyway."""

from __future__ import annotations

from typing import Any, Optional

import tensorflow as tf

from graphcut.errors import GraphcutError


class FirstBatch(tf.keras.callbacks.Callback):
    """Watch the first batch that a model trains on, and the first one of each ``fit`` after the model was compiled again."""

    _audited: Any = None

    def watch_batch(self) -> Any:
        """Return a context in which the batch is watched."""
        raise NotImplementedError

    def finish_batch(self, watched: Any, error: Optional[BaseException]) -> None:
        """Handle the end of the batch, whether training succeeded or failed."""
        raise NotImplementedError

    def on_train_begin(self, logs: Any = None) -> None:
        """Watch the next call of the function that ``fit`` runs for each batch."""
        model, original = self.model, getattr(self.model, "train_function", None)
        if not callable(original):
            raise GraphcutError("AuditCallback needs TensorFlow 2.2 or later, whose models have a train_function")
        if original is self._audited:
            return

        def train_function(*args: Any, **kwargs: Any) -> Any:
            model.train_function, self._audited = original, original
            error: Optional[BaseException] = None
            watched = self.watch_batch()
            try:
                with watched:
                    return original(*args, **kwargs)
            except Exception as caught:
                error = caught
                raise
            finally:
                self.finish_batch(watched, error)

        model.train_function = train_function
