"""Crossing dtypes: integers, booleans and strings carry nothing; half, bfloat16 and complex do."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, total

v1 = tf.compat.v1


@case()
def argmax_index(make):
    w, u = make.variable("w", 4), make.variable("u")
    return total(tf.cast(tf.argmax(w), tf.float32) * u)


@case()
def cast_to_int_and_back(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.cast(tf.cast(w, tf.int32), tf.float32) * u)


@case()
def cast_through_half_and_double(make):
    w = make.variable("w", 3)
    return total(tf.cast(tf.cast(tf.cast(w, tf.float64), tf.float16), tf.float32))


@case()
def cast_through_bfloat16(make):
    w = make.variable("w", 3)
    return total(tf.cast(tf.cast(w, tf.bfloat16) * 2, tf.float32))


@case()
def bfloat16_variable(make):
    w = make.variable("w", 3, dtype=tf.bfloat16)
    return tf.reduce_sum(tf.cast(w, tf.float32) ** 2)


@case()
def comparison_as_mask(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.cast(w > 0.0, tf.float32) * u)


@case()
def floor_ceil_round_rint(make):
    a, b, c, d, u = (make.variable(name, 3) for name in "abcdu")
    return total(tf.floor(a) + tf.math.ceil(b) + tf.round(c) + tf.math.rint(d) + u)


@case()
def floor_alone(make):
    return total(tf.floor(tf.sigmoid(make.variable("w", 3)) * 3.0))


@case()
def bitcast(make):
    w = make.variable("w", 3)
    return total(tf.bitcast(tf.bitcast(w, tf.int32), tf.float32) + make.variable("u", 3))


@case()
def complex_absolute_value(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return tf.reduce_sum(tf.abs(tf.complex(w, u)) ** 2)


@case()
def complex_variable_real_part(make):
    z = make.variable("z", 3, dtype=tf.complex64)
    return total(tf.math.real(z)) + total(tf.math.imag(tf.complex(make.variable("w", 3), 0.0)))


@case()
def cast_complex_to_real(make):
    z = make.variable("z", 3, dtype=tf.complex64)
    return total(tf.cast(z * z, tf.float32))


@case(expect={"u": "flows"})
def complex_imaginary_part(make):
    return total(tf.math.imag(tf.complex(make.variable("w", 3), make.variable("u", 3))))


@case(expect={"w": "flows"})
def complex_times_the_imaginary_unit(make):
    return total(tf.math.imag(tf.cast(make.variable("w", 3), tf.complex64) * 1j))


@case(expect={"w": "zero"})
def complex_product_with_zero(make):
    nothing = tf.complex(tf.zeros([3]), tf.zeros([3]))
    return total(tf.math.imag(nothing * tf.cast(make.variable("w", 3), tf.complex64)) + make.variable("u", 3))


@case()
def fourier_imaginary_part(make):
    spectrum = tf.signal.fft(tf.cast(make.variable("w", 4), tf.complex64))
    return total(tf.math.imag(spectrum)) + total(tf.math.imag(tf.signal.ifft(spectrum)))


@case()
def fourier_and_back(make):
    w = make.variable("w", 4)
    spectrum = tf.signal.rfft(w)
    return total(tf.signal.irfft(spectrum * tf.complex(2.0, 0.0))) + total(tf.math.angle(spectrum[1:2]))


@case()
def integer_variable(make):
    ids = make.variable("ids", 3, dtype=tf.int32, trainable=False)
    return total(tf.gather(make.variable("w", 3), ids))


@case()
def integer_arithmetic_between(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    count = tf.cast(w, tf.int32) * 2 + 1
    return total(tf.cast(count, tf.float32) + u), {"count": count}


@case()
def boolean_reductions(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    accuracy = tf.reduce_mean(tf.cast(tf.logical_and(w > 0.0, u > 0.0), tf.float32))
    return accuracy + total(make.variable("v", 3))


@case()
def string_and_back(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.strings.to_number(tf.strings.as_string(w)) + u)


@case()
def accuracy_as_loss(make):
    w = make.variable("w", 3, 4)
    hits = tf.equal(tf.argmax(w, axis=1), [0, 1, 2])
    return tf.reduce_mean(tf.cast(hits, tf.float32))


@case()
def quantized_weights(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    fake = tf.quantization.fake_quant_with_min_max_args(w, -6.0, 6.0)
    both = tf.quantization.quantize_and_dequantize(u, -1.0, 1.0, range_given=True)
    return total(fake + both)


@case()
def fake_quant_with_variables(make):
    w, low, high = make.variable("w", 3), make.variable("low"), make.variable("high")
    return total(tf.quantization.fake_quant_with_min_max_vars(w, low - 1.0, high + 5.0))
