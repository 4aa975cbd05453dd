"""The plain operations of a recipe: what each takes, what it gives, how TensorFlow builds it.

A signature has a letter for each input and each output. Inputs: ``f`` a float tensor as it is, ``e`` one brought to
the first input's shape, ``s`` a scalar, ``v`` shape [4], ``m`` shape [2, 2], ``t`` a table [5, 4], ``i`` int32 [4],
``R`` a resource variable, ``W`` any variable (the object itself); a capital ``V`` or ``M`` has a fully static shape.
Outputs: ``=`` the first input's shape, ``s``, ``v``, ``m``, ``i``. TensorFlow is handed in as ``tf``
(``tensorflow.compat.v1``), so that a recipe can be drawn without it.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple

from . import custom, lists


class Operation(NamedTuple):
    """One kind of step: ``build(tf, *inputs)`` returns a tensor, or a tuple where ``outputs`` has several letters."""

    inputs: str
    outputs: str
    build: Callable[..., Any]
    weight: int = 2


def positive(tf, x):
    return x * x + 0.5


def bounded(tf, x):
    return tf.tanh(x)


def definite(tf, m):
    return tf.matmul(m, m, transpose_b=True) + tf.eye(2)


def picture(tf, v):
    return tf.reshape(v, [1, 2, 2, 1])


def flat(tf, x):
    return tf.reshape(x, [4])


def index(tf, i):
    return tf.floormod(i, 4)


def fused_batch_norm_training(tf, v, scale, offset):
    y, mean, variance = tf.nn.fused_batch_norm(tf.reshape(v, [2, 1, 1, 2]), scale[:2], offset[:2])
    return flat(tf, y), tf.reduce_sum(mean), tf.reduce_sum(variance)


def fused_batch_norm_inference(tf, v, mean, variance):
    y, _, _ = tf.nn.fused_batch_norm(
        tf.reshape(v, [2, 1, 1, 2]),
        tf.ones([2]),
        tf.zeros([2]),
        mean=mean[:2],
        variance=positive(tf, variance[:2]),
        is_training=False,
    )
    return flat(tf, y)


def dynamic_partition(tf, v, i):
    low, high = tf.dynamic_partition(v, tf.floormod(i, 2), 2)
    return tf.reduce_sum(low), tf.reduce_sum(high)


def svd(tf, m):
    values, left, right = tf.linalg.svd(m + tf.constant([[3.0, 0.0], [1.0, 1.0]]))
    return tf.reduce_sum(values), left, right


def qr(tf, m):
    q, r = tf.linalg.qr(m + 3.0 * tf.eye(2))
    return q, r


def top_k(tf, v):
    values, indices = tf.nn.top_k(v, 4)
    return values, indices


def moments(tf, v):
    mean, variance = tf.nn.moments(v, axes=[0])
    return mean, variance


def assign_then_read(tf, variable, v):
    with tf.control_dependencies([tf.assign(variable, v)]):
        return tf.identity(variable.read_value() if hasattr(variable, "read_value") else variable)


def gradient_of(tf, x, y):
    """The graph holds a backward part of its own, as with a gradient penalty."""
    try:
        (found,) = tf.gradients(tf.reduce_sum(x), [y])
    except LookupError:
        found = None
    return tf.zeros_like(y) if found is None else tf.reshape(found, tf.shape(y))


def queue(tf, v):
    line = tf.queue.FIFOQueue(1, [tf.float32], shapes=[[4]])
    with tf.control_dependencies([line.enqueue(v)]):
        return line.dequeue() * 1.0


def lookup(tf, t, i):
    return tf.reduce_sum(tf.nn.embedding_lookup(t, index(tf, i)), axis=0)


def lookup_sparse(tf, t, i):
    ids = tf.SparseTensor(
        indices=tf.constant([[0, 0], [0, 1], [1, 0], [1, 1]], tf.int64),
        values=tf.cast(index(tf, i), tf.int64),
        dense_shape=tf.constant([2, 2], tf.int64),
    )
    return tf.reduce_sum(tf.nn.embedding_lookup_sparse(t, ids, None, combiner="mean"), axis=0)


def sparse_matmul(tf, v, m):
    sparse = tf.SparseTensor(tf.constant([[0, 0], [0, 1], [1, 0], [1, 1]], tf.int64), v, tf.constant([2, 2], tf.int64))
    return tf.sparse.sparse_dense_matmul(sparse, m)


def top_of(tf, v, i):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=index(tf, i), logits=tf.tile(v[None], [4, 1]))


def complex_and_back(tf, x, y):
    number = tf.complex(x, y)
    return tf.real(number * tf.conj(number)) + tf.imag(number)


def python(kind):
    def build(tf, v):
        if kind == "py":
            result = tf.py_function(lambda x: x * x, [v], tf.float32)
        else:
            result = tf.numpy_function(lambda x: x * x, [v], tf.float32)
        result.set_shape([4])
        return result

    return build


def elementwise(function):
    """``function`` names a path under ``tf``, such as ``nn.relu``."""

    def build(tf, *inputs):
        found = tf
        for part in function.split("."):
            found = getattr(found, part)
        return found(*inputs)

    return build


def raw(name, **constants):
    """The op ``name`` of ``tf.raw_ops``; ``constants`` maps its argument names, a letter stands for an input."""

    def build(tf, *inputs):
        arguments = {
            key: inputs["abc".index(value)] if value in ("a", "b", "c") else value for key, value in constants.items()
        }
        return getattr(tf.raw_ops, name)(**arguments)

    return build


UNARY = {
    "neg": "negative",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "relu": "nn.relu",
    "relu6": "nn.relu6",
    "elu": "nn.elu",
    "selu": "nn.selu",
    "leaky_relu": "nn.leaky_relu",
    "softplus": "nn.softplus",
    "softsign": "nn.softsign",
    "square": "square",
    "sin": "sin",
    "cos": "cos",
    "atan": "atan",
    "asinh": "asinh",
    "erf": "erf",
    "abs": "abs",
    "identity": "identity",
    "swish": "nn.swish",
}
CUTTING = {
    "ones_like": "ones_like",
    "zeros_like": "zeros_like",
    "sign": "sign",
    "floor": "floor",
    "ceil": "ceil",
    "round": "round",
    "rint": "rint",
}
OF_POSITIVE = {
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "reciprocal": "reciprocal",
    "lgamma": "lgamma",
    "digamma": "digamma",
}
OF_BOUNDED = {"exp": "exp", "expm1": "expm1", "sinh": "sinh", "cosh": "cosh", "tan": "tan"}
BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "maximum": "maximum",
    "minimum": "minimum",
    "squared_difference": "squared_difference",
    "div_no_nan": "div_no_nan",
    "atan2": "atan2",
    "floordiv": "floordiv",
    "floormod": "floormod",
    "truncatemod": "truncatemod",
}
COMPARISONS = {"greater": "greater", "less_equal": "less_equal", "equal": "equal", "not_equal": "not_equal"}


def of_positive(function):
    return lambda tf, x: elementwise(function)(tf, positive(tf, x))


def of_bounded(function):
    return lambda tf, x: elementwise(function)(tf, bounded(tf, x))


def compared(function):
    return lambda tf, x, y: tf.cast(elementwise(function)(tf, x, y), tf.int32)


OPERATIONS: Dict[str, Operation] = {
    **{name: Operation("f", "=", elementwise(function)) for name, function in UNARY.items()},
    **{name: Operation("f", "=", of_positive(function)) for name, function in OF_POSITIVE.items()},
    **{name: Operation("f", "=", elementwise(function), 1) for name, function in CUTTING.items()},
    **{name: Operation("f", "=", of_bounded(function)) for name, function in OF_BOUNDED.items()},
    **{name: Operation("fe", "=", elementwise(function)) for name, function in BINARY.items()},
    **{name: Operation("ve", "i", compared(function), 1) for name, function in COMPARISONS.items()},
    "truncatemod": Operation("fe", "=", elementwise("truncatemod"), 1),
    "mul": Operation("fe", "=", elementwise("multiply"), 14),
    "add": Operation("fe", "=", elementwise("add"), 20),
    "scale": Operation("fs", "=", lambda tf, x, s: x * s, 8),
    "divide": Operation("fe", "=", lambda tf, x, y: x / positive(tf, y)),
    "pow": Operation("fe", "=", lambda tf, x, y: tf.pow(positive(tf, x), bounded(tf, y))),
    "xlogy": Operation("fe", "=", lambda tf, x, y: tf.math.xlogy(x, positive(tf, y))),
    "xdivy": Operation("fe", "=", lambda tf, x, y: tf.math.xdivy(x, positive(tf, y))),
    "add_n": Operation("fee", "=", lambda tf, x, y, z: tf.add_n([x, y, z]), 8),
    "addv2": Operation("fe", "=", raw("AddV2", x="a", y="b")),
    "igamma": Operation("fe", "=", lambda tf, a, x: tf.igamma(positive(tf, a), positive(tf, x))),
    "betainc": Operation("fee", "=", lambda tf, a, b, x: tf.betainc(positive(tf, a), positive(tf, b), tf.sigmoid(x))),
    "zeta": Operation("fe", "=", lambda tf, x, q: tf.zeta(positive(tf, x) + 1.0, positive(tf, q))),
    "polygamma": Operation(
        "fe", "=", lambda tf, a, x: tf.polygamma(tf.ones_like(a) + tf.round(tf.sigmoid(a)), positive(tf, x))
    ),
    "nextafter": Operation("fe", "=", raw("NextAfter", x1="a", x2="b"), 1),
    "clip": Operation("f", "=", lambda tf, x: tf.clip_by_value(x, -2.0, 2.0)),
    "clip_by": Operation("fee", "=", lambda tf, x, low, high: tf.clip_by_value(x, low, low + positive(tf, high))),
    "clip_by_norm": Operation("f", "=", lambda tf, x: tf.clip_by_norm(x, 1.0)),
    "check_numerics": Operation("f", "=", lambda tf, x: tf.check_numerics(x, "x"), 1),
    "fake_quant": Operation("f", "=", lambda tf, x: tf.quantization.fake_quant_with_min_max_args(x)),
    "fake_quant_vars": Operation(
        "fss",
        "=",
        lambda tf, x, low, high: tf.quantization.fake_quant_with_min_max_vars(x, -positive(tf, low), positive(tf, high)),
    ),
    "quantize_and_dequantize": Operation(
        "fss",
        "=",
        lambda tf, x, low, high: tf.quantization.quantize_and_dequantize(
            x, -positive(tf, low), positive(tf, high), True, range_given=True
        ),
        1,
    ),
    # -- deliberate and accidental ends of a gradient
    "stop_gradient": Operation("f", "=", elementwise("stop_gradient"), 7),
    "prevent_gradient": Operation("f", "=", raw("PreventGradient", input="a", message="kept apart"), 1),
    "truncate_mod": Operation("fe", "=", raw("TruncateMod", x="a", y="b"), 1),
    "unique": Operation("v", "s", lambda tf, v: tf.reduce_sum(tf.unique(v)[0]), 1),
    "unique_index": Operation("v", "i", lambda tf, v: tf.unique(v)[1], 1),
    "setdiff": Operation("vv", "s", lambda tf, x, y: tf.reduce_sum(tf.setdiff1d(x, y)[0]), 1),
    "snapshot": Operation("f", "=", raw("Snapshot", input="a"), 1),
    "zero_times": Operation("f", "=", lambda tf, x: 0.0 * x, 3),
    "times_zeros_like": Operation("fe", "=", lambda tf, x, y: x * tf.zeros_like(y), 1),
    "times_zeros": Operation("v", "v", lambda tf, v: v * tf.zeros([4]), 1),
    "times_filled": Operation("v", "v", lambda tf, v: v * tf.fill([4], 0.0), 1),
    "matmul_zeros": Operation("m", "m", lambda tf, m: tf.matmul(m, tf.zeros([2, 2])), 1),
    "straight_through": Operation("f", "=", lambda tf, x: x + tf.stop_gradient(tf.round(x) - x)),
    "minus_itself": Operation("f", "=", lambda tf, x: x - x, 1),
    # -- shapes only
    "size_of": Operation("f", "s", lambda tf, x: tf.cast(tf.size(x), tf.float32), 1),
    "rank_of": Operation("f", "s", lambda tf, x: tf.cast(tf.rank(x), tf.float32), 1),
    "random_like": Operation("f", "=", lambda tf, x: tf.random_normal(tf.shape(x), seed=1), 1),
    "filled_like": Operation("fs", "=", lambda tf, x, s: tf.fill(tf.shape(x), s), 1),
    "reshape_like": Operation("fe", "=", lambda tf, x, y: tf.reshape(y, tf.shape(x))),
    "broadcast_like": Operation("fs", "=", lambda tf, x, s: tf.broadcast_to(s, tf.shape(x))),
    # -- reductions
    "reduce_sum": Operation("f", "s", lambda tf, x: tf.reduce_sum(x), 4),
    "reduce_mean": Operation("f", "s", lambda tf, x: tf.reduce_mean(x), 4),
    "reduce_max": Operation("f", "s", lambda tf, x: tf.reduce_max(x)),
    "reduce_min": Operation("f", "s", lambda tf, x: tf.reduce_min(x)),
    "reduce_prod": Operation("f", "s", lambda tf, x: tf.reduce_prod(x)),
    "reduce_logsumexp": Operation("f", "s", lambda tf, x: tf.reduce_logsumexp(x)),
    "reduce_rows": Operation("m", "v", lambda tf, m: tf.tile(tf.reduce_sum(m, axis=1), [2])),
    "euclidean_norm": Operation(
        "f",
        "s",
        lambda tf, x: (
            tf.reduce_euclidean_norm(x) if hasattr(tf, "reduce_euclidean_norm") else tf.math.reduce_euclidean_norm(x)
        ),
    ),
    "l2_loss": Operation("f", "s", lambda tf, x: tf.nn.l2_loss(x)),
    "cumsum": Operation("v", "v", lambda tf, v: tf.cumsum(v)),
    "cumprod": Operation("v", "v", lambda tf, v: tf.cumprod(v)),
    "segment_sum": Operation("v", "v", lambda tf, v: tf.tile(tf.segment_sum(v, tf.constant([0, 0, 1, 1])), [2])),
    "unsorted_segment_sum": Operation("Vi", "v", lambda tf, v, i: tf.unsorted_segment_sum(v, index(tf, i), 4)),
    "unsorted_segment_max": Operation(
        "Vi", "v", lambda tf, v, i: tf.maximum(tf.unsorted_segment_max(v, index(tf, i), 4), -9.0)
    ),
    # -- matrices
    "matmul": Operation("mm", "m", lambda tf, a, b: tf.matmul(a, b), 4),
    "einsum": Operation("mm", "m", lambda tf, a, b: tf.einsum("ij,jk->ki", a, b)),
    "tensordot": Operation("MM", "m", lambda tf, a, b: tf.tensordot(a, b, axes=1)),
    "batch_matmul": Operation("mm", "m", lambda tf, a, b: tf.matmul(a[None], b[None])[0]),
    "transpose": Operation("m", "m", lambda tf, m: tf.transpose(m)),
    "inverse": Operation("m", "m", lambda tf, m: tf.linalg.inv(definite(tf, m))),
    "cholesky": Operation("m", "m", lambda tf, m: tf.linalg.cholesky(definite(tf, m))),
    "determinant": Operation("m", "s", lambda tf, m: tf.linalg.det(definite(tf, m))),
    "solve": Operation("mm", "m", lambda tf, a, b: tf.linalg.solve(definite(tf, a), b)),
    "diag_part": Operation("m", "v", lambda tf, m: tf.tile(tf.linalg.diag_part(m), [2])),
    "diag": Operation("v", "m", lambda tf, v: tf.linalg.diag(v[:2])),
    "band_part": Operation("m", "m", lambda tf, m: tf.linalg.band_part(m, 0, -1)),
    "trace": Operation("m", "s", lambda tf, m: tf.linalg.trace(m)),
    "svd": Operation("M", "smm", svd, 1),
    "qr": Operation("M", "mm", qr, 1),
    "sparse_matmul": Operation("vm", "m", sparse_matmul),
    # -- shapes and places
    "reshape": Operation("v", "m", lambda tf, v: tf.reshape(v, [2, 2])),
    "squeeze": Operation("v", "v", lambda tf, v: tf.squeeze(tf.expand_dims(v, 0), [0])),
    "tile": Operation("s", "v", lambda tf, s: tf.tile(tf.reshape(s, [1]), [4])),
    "broadcast_to": Operation("s", "m", lambda tf, s: tf.broadcast_to(s, [2, 2])),
    "pad": Operation("v", "v", lambda tf, v: tf.pad(v[:2], [[1, 1]])),
    "pad_with": Operation(
        "vs", "v", lambda tf, v, s: tf.raw_ops.PadV2(input=v[:2], paddings=tf.constant([[1, 1]]), constant_values=s)
    ),
    "mirror_pad": Operation("v", "v", lambda tf, v: tf.pad(v[1:3], [[1, 1]], mode="SYMMETRIC")),
    "slice": Operation("v", "s", lambda tf, v: tf.reduce_sum(tf.slice(v, [1], [2]))),
    "strided_slice": Operation("v", "s", lambda tf, v: v[1]),
    "slice_at": Operation("vi", "s", lambda tf, v, i: v[index(tf, i)[0]]),
    "concat": Operation("vv", "v", lambda tf, a, b: tf.concat([a[:2], b[2:]], axis=0)),
    "stack": Operation("ss", "v", lambda tf, a, b: tf.stack([a, b, a, b])),
    "reverse": Operation("v", "v", lambda tf, v: tf.reverse(v, [0])),
    "roll": Operation("v", "v", lambda tf, v: tf.roll(v, 1, 0)),
    "gather": Operation("vi", "v", lambda tf, v, i: tf.gather(v, index(tf, i)), 3),
    "gather_nd": Operation("vi", "v", lambda tf, v, i: tf.gather_nd(v, index(tf, i)[:, None])),
    "gather_argmax": Operation("vv", "s", lambda tf, v, q: tf.gather(v, tf.argmax(q)), 3),
    "batch_gather": Operation("MM", "m", lambda tf, m, q: tf.batch_gather(m, tf.cast(tf.argsort(q, axis=1), tf.int32))),
    "scatter_nd": Operation("vi", "v", lambda tf, v, i: tf.scatter_nd(index(tf, i)[:, None], v, [4])),
    "scatter_update": Operation("vvi", "v", lambda tf, v, u, i: tf.tensor_scatter_update(v, tf.constant([[0], [2]]), u[:2])),
    "scatter_add": Operation("vvi", "v", lambda tf, v, u, i: tf.tensor_scatter_add(v, index(tf, i)[:, None], u)),
    "one_hot_with": Operation("iss", "m", lambda tf, i, on, off: tf.one_hot(index(tf, i)[:2], 2, on, off)),
    "boolean_mask": Operation("VV", "s", lambda tf, v, q: tf.reduce_sum(tf.boolean_mask(v, q > 0.0))),
    "split": Operation("V", "vv", lambda tf, v: tuple(tf.tile(each, [2]) for each in tf.split(v, 2))),
    "split_sizes": Operation("V", "ss", lambda tf, v: tuple(tf.reduce_sum(each) for each in tf.split(v, [1, 3]))),
    "unstack": Operation("V", "ssss", lambda tf, v: tuple(tf.unstack(v))),
    "dynamic_partition": Operation("vi", "ss", dynamic_partition),
    "dynamic_stitch": Operation("vv", "v", lambda tf, a, b: tf.dynamic_stitch([[0, 2], [1, 3]], [a[:2], b[2:]])),
    "meshgrid": Operation("VV", "mm", lambda tf, a, b: tuple(tf.meshgrid(a[:2], b[:2]))),
    "identity_n": Operation(
        "ff", "=v", lambda tf, a, b: tuple(tf.identity_n([a, tf.reshape(tf.reduce_sum(b) * tf.ones([4]), [4])]))
    ),
    "top_k": Operation("v", "vi", top_k),
    "space_to_batch": Operation("v", "v", lambda tf, v: flat(tf, tf.space_to_batch(picture(tf, v), [[0, 0], [0, 0]], 2))),
    "depth_to_space": Operation("v", "v", lambda tf, v: flat(tf, tf.depth_to_space(tf.reshape(v, [1, 1, 1, 4]), 2))),
    # -- networks
    "bias_add": Operation("mv", "m", lambda tf, m, v: tf.nn.bias_add(m, v[:2])),
    "softmax": Operation("v", "v", lambda tf, v: tf.nn.softmax(v)),
    "log_softmax": Operation("v", "v", lambda tf, v: tf.nn.log_softmax(v)),
    "softmax_cross_entropy": Operation(
        "mm", "v", lambda tf, a, b: tf.tile(tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.nn.softmax(a), logits=b), [2])
    ),
    "sparse_cross_entropy": Operation("vi", "v", top_of),
    "sigmoid_cross_entropy": Operation(
        "fe", "=", lambda tf, a, b: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.sigmoid(a), logits=b)
    ),
    "l2_normalize": Operation("v", "v", lambda tf, v: tf.nn.l2_normalize(v, axis=0)),
    "conv2d": Operation(
        "vv",
        "v",
        lambda tf, v, k: flat(
            tf, tf.nn.conv2d(picture(tf, v), tf.reshape(k, [2, 2, 1, 1]), strides=[1, 1, 1, 1], padding="SAME")
        ),
    ),
    "depthwise_conv": Operation(
        "vv",
        "v",
        lambda tf, v, k: flat(
            tf, tf.nn.depthwise_conv2d(picture(tf, v), tf.reshape(k, [2, 2, 1, 1]), strides=[1, 1, 1, 1], padding="SAME")
        ),
    ),
    "max_pool": Operation(
        "v", "v", lambda tf, v: flat(tf, tf.nn.max_pool(picture(tf, v), [1, 2, 2, 1], [1, 1, 1, 1], "SAME"))
    ),
    "avg_pool": Operation(
        "v", "v", lambda tf, v: flat(tf, tf.nn.avg_pool(picture(tf, v), [1, 2, 2, 1], [1, 1, 1, 1], "SAME"))
    ),
    "resize": Operation("v", "s", lambda tf, v: tf.reduce_sum(tf.image.resize_bilinear(picture(tf, v), [3, 3]))),
    "local_response": Operation("v", "v", lambda tf, v: flat(tf, tf.nn.local_response_normalization(picture(tf, v)))),
    "batch_norm_training": Operation("vvv", "vss", fused_batch_norm_training),
    "batch_norm_inference": Operation("vvv", "v", fused_batch_norm_inference),
    "moments": Operation("v", "ss", moments),
    "in_top_k": Operation(
        "mi", "v", lambda tf, m, i: tf.tile(tf.cast(tf.nn.in_top_k(m, tf.floormod(i[:2], 2), 1), tf.float32), [2])
    ),
    # -- through integers, booleans and other floats
    "cast_int": Operation("v", "i", lambda tf, v: tf.cast(v, tf.int32)),
    "argsort": Operation("V", "i", lambda tf, v: tf.argsort(v)),
    "argmax_int": Operation("v", "i", lambda tf, v: tf.tile(tf.reshape(tf.cast(tf.argmax(v), tf.int32), [1]), [4]), 1),
    "int_add": Operation("ii", "i", lambda tf, i, j: i + j, 1),
    "int_mul": Operation("ii", "i", lambda tf, i, j: i * j, 1),
    "int_identity": Operation("i", "i", lambda tf, i: tf.identity(i), 1),
    "int_gather": Operation("ii", "i", lambda tf, i, j: tf.gather(i, index(tf, j)), 1),
    "to_float": Operation("i", "v", lambda tf, i: tf.cast(i, tf.float32)),
    "argmax": Operation("v", "s", lambda tf, v: tf.cast(tf.argmax(v), tf.float32), 1),
    "count_nonzero": Operation("v", "s", lambda tf, v: tf.cast(tf.math.count_nonzero(v), tf.float32), 1),
    "mask": Operation("fe", "=", lambda tf, x, y: x * tf.cast(y > 0.0, tf.float32), 3),
    "where": Operation("fee", "=", lambda tf, q, a, b: tf.where(tf.less(q, 0.0), a, b), 3),
    "where_int": Operation("ivv", "v", lambda tf, i, a, b: tf.where(tf.equal(tf.floormod(i, 2), 0), a, b)),
    "logical": Operation("fe", "=", lambda tf, a, b: tf.cast(tf.logical_and(a > 0.0, b > 0.0), tf.float32), 1),
    "one_hot": Operation("v", "v", lambda tf, v: tf.one_hot(tf.argmax(v), 4), 1),
    "double": Operation("f", "=", lambda tf, x: tf.cast(tf.sin(tf.cast(x, tf.float64)), tf.float32)),
    "half": Operation("f", "=", lambda tf, x: tf.cast(tf.cast(x, tf.float16), tf.float32)),
    "bfloat16": Operation("f", "=", lambda tf, x: tf.cast(tf.cast(x, tf.bfloat16), tf.float32)),
    "through_int": Operation("f", "=", lambda tf, x: tf.cast(tf.cast(x, tf.int32), tf.float32), 1),
    "complex": Operation("fe", "=", complex_and_back),
    "fft": Operation("v", "v", lambda tf, v: tf.abs(tf.signal.fft(tf.cast(v, tf.complex64))), 1),
    "bitcast": Operation("f", "=", lambda tf, x: tf.bitcast(tf.bitcast(x, tf.int32), tf.float32), 1),
    "as_string": Operation("f", "=", lambda tf, x: tf.strings.to_number(tf.as_string(x)), 1),
    # -- tables, state, Python
    "embedding": Operation("ti", "v", lookup, 4),
    "embedding_sparse": Operation("ti", "v", lookup_sparse),
    "table_matmul": Operation("tv", "s", lambda tf, t, v: tf.reduce_sum(tf.matmul(t, v[:, None]))),
    "assign_then_read": Operation("Wv", "v", assign_then_read),
    "read_twice": Operation("W", "v", lambda tf, w: tf.reshape(tf.identity(w) * tf.identity(w), [4])),
    "gradient_of": Operation("vv", "v", gradient_of, 2),
    "queue": Operation("v", "v", queue, 1),
    "py_function": Operation("V", "v", python("py"), 1),
    "numpy_function": Operation("V", "v", python("numpy"), 1),
    **{name: Operation(*entry) for name, entry in custom.OPERATIONS.items()},
    **{name: Operation(*entry) for name, entry in lists.OPERATIONS.items()},
}
