"""Notice that ``trainable`` changed after a step was traced, and has no effect on it.

``fit`` uses the trace of its first batch, and Keras 2 trains what was trainable when the model was compiled, until ``compile``
is called again. A ``tf.function`` uses its trace.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence, Tuple

from graphcut.analysis.tape_record import Source
from graphcut.backend.live.models import is_running, layers_in_use, listed_variables, models_in_training, trainable_flags
from graphcut.backend.live.variable_objects import variable_of
from graphcut.backend.record import keras_fit
from graphcut.backend.record.patches import Patch
from graphcut.util.text import join_first

_SHOWN = 3
_LIBRARIES = ("keras", "tf_keras", "tensorflow")
_STEPS = ("train_step", "tf__train_step")  # as it is, and as AutoGraph converts it
_RESPECT = "RespectCompiledTrainableState"
_OF_FIT = "`trainable` of %s is %s now, but fit %s until compile() is called again"
_OF_TRACE = "`trainable` of %s is %s now, but this trace of the step %s: make a new tf.function"


class TrainableState(NamedTuple):
    """What was trainable when a gradient was taken.

    ``place`` is the position of the gradient, ``flags`` are the objects with a flag and their flags then. ``owners`` are the
    models whose variables count, and ``trained`` says for the ``id`` of each variable whether it was trainable. ``sources``
    are the ``id`` of the variables in the gradient call. ``models``: the models whose ``fit`` was running a step, each with
    the state that Keras 2 recorded in ``compile``.
    """

    place: int
    flags: Tuple[Tuple[Any, bool], ...]
    owners: Tuple[Any, ...]
    trained: Dict[int, bool]
    sources: Tuple[int, ...]
    models: Tuple[Tuple[Any, Any], ...]

    def is_of(self, model: Any) -> bool:
        """Return whether a model was training, and was not compiled again since."""
        return any(model is each and compiled is _compiled_state(each) for each, compiled in self.models)

    def is_unchanged(self) -> bool:
        """Return whether every flag is as it was; each call of a traced step asks, so this is fast."""
        return all(each._trainable is flag for each, flag in self.flags)

    def words(self) -> str:
        """Return what changed that affects the gradient; empty if nothing did."""
        now = trainable_flags(None, self.owners)
        text = _OF_FIT if self.models else _OF_TRACE
        result = []
        for flag, effect in ((True, "does not train it"), (False, "trains it")):
            named = [(keras_fit.name_of(each), self._is_affected(key, is_now, flag)) for key, (each, is_now) in now.items()]
            names = keras_fit.name_patterns(named)
            if names:
                result.append(text % (join_first(names, _SHOWN), flag, effect))
        return "; ".join(result)

    def _is_affected(self, key: int, is_now: bool, flag: bool) -> bool:
        """Return whether a variable's flag changed to this one, and the gradient call shows the flag of before."""
        return is_now is flag and self.trained.get(key, flag) is not flag and (key in self.sources) is not flag


def current_state(place: int, sources: Sequence[Source]) -> TrainableState:
    """Return what is trainable now, while the gradient at a position is taken."""
    wanted = tuple(each.identity for each in sources)
    models = tuple(models_in_training()) if is_running(_STEPS) else ()
    known = {id(each): each for each in (*models, *layers_in_use()) if _holds(each, wanted) or each in models}
    owners = models or tuple(known.values())
    flags = {id(each): each for owner in owners for each in keras_fit.flagged_objects(owner)}
    trained = {key: flag for key, (_, flag) in trainable_flags(None, owners).items()}
    compiled = tuple((each, _compiled_state(each)) for each in models)
    return TrainableState(place, tuple((each, each._trainable) for each in flags.values()), owners, trained, wanted, compiled)


def _compiled_state(model: Any) -> Any:
    return getattr(model, "_compiled_trainable_state", None)


def _holds(owner: Any, wanted: Sequence[int]) -> bool:
    return any(id(variable_of(each)) in wanted for each in listed_variables(owner, "variables"))


def patches(after_training: Callable[[Any], None]) -> Iterator[Patch]:
    """Yield the patch of Keras 2 that calls a function with each model whose ``fit`` or ``train_on_batch`` ended."""

    def ending(original: Any) -> Any:
        @functools.wraps(original)
        def __exit__(scope: Any, *error: Any) -> Any:
            answer = original(scope, *error)
            after_training(scope._model)
            return answer

        return __exit__

    for name, module in list(sys.modules.items()):
        owner = vars(module).get(_RESPECT) if name.startswith(_LIBRARIES) and name.endswith("training_utils") else None
        if owner is not None:
            yield Patch(owner, "__exit__", ending)
