"""What to write in place of a line that takes a value out of TensorFlow."""

from __future__ import annotations

import pytest

from graphcut.render.text.python_lines import advice_for_line

TENSOR = ": TensorFlow's functions take the tensor itself"
NUMBER = "a Python number has no gradient, tf.cast changes the dtype of a tensor"
ARRAY = "which returns a NumPy array"
LINES = {
    "loss = tf.constant(loss.numpy())": "leave out .numpy()" + TENSOR,
    "loss = float(tf.reduce_sum(w))": "leave out float(): " + NUMBER,
    "pred = self.model.predict(x, verbose=0)": "write self.model(x) in place of self.model.predict(x), " + ARRAY,
    "e = np.mean(np.square(difference))": "write tf.reduce_mean(...) in place of np.mean(...)",
    "h = np.tanh(hidden.numpy())": "write tf.tanh(...) in place of np.tanh(...), and leave out .numpy()",
    "n = np.linalg.norm(v)": "write tf.norm(...) in place of np.linalg.norm(...)",
    "n = np.interp(v, a, b)": "write ops of TensorFlow in place of np.interp(...)",
    "a = np.asarray(v)": "leave out np.asarray(...)" + TENSOR,
    "a = np.array(v.numpy())": "leave out .numpy()" + TENSOR,
    "p = sum(np.sum(l.get_weights()[0]) for l in layers)": "get_weights() returns a value: compute with the variable itself",
    "y = helper(x)": "",
    "": "",
}


@pytest.mark.parametrize("line", sorted(LINES))
def test_a_line_gets_the_advice_that_fits_it(line):
    assert advice_for_line(line) == LINES[line]
