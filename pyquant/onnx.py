"""The filter in ONNX models: `linear_quantize` as standard ONNX operators.

torch.onnx.export does not know the ops of pyquant. It takes their translation as an argument, and
fails without it: "No ONNX function found for <OpOverload(op='pyquant.linear_quantize', ...)>":

>>> import onnxruntime, torch, pyquant, pyquant.onnx
>>> image = torch.rand(1, 3, 32, 32)
>>> model = torch.nn.Sequential(pyquant.nn.LinearQuantize(bits=2), torch.nn.Conv2d(3, 8, 3)).eval()
>>> program = torch.onnx.export(
...     model, (image,), verbose=False, custom_translation_table=pyquant.onnx.translation_table()
... )
>>> session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
>>> (result,) = session.run(None, {"input": image.numpy()})
>>> torch.allclose(torch.from_numpy(result), model(image), atol=1e-5)
True

The filter, and `pyquant.nn.DoubleQuantization` with it, can be exported for every dtype and rounding.
`floyd_steinberg` cannot: images are dithered before they reach the model.
"""

from collections.abc import Callable
from typing import Any

import torch

from pyquant.ops import linear_quantize
from pyquant.registration import LINEAR_QUANTIZE

try:
    from onnxscript import ir
    from onnxscript import opset18 as op
except ImportError as error:
    raise ImportError(
        f"pyquant.onnx needs onnxscript: pip install onnx onnxscript ({error})"
    ) from error

__all__ = ["translation_table"]


def translation_table() -> dict[Callable[..., Any], Callable[..., Any]]:
    """The `custom_translation_table` of torch.onnx.export.

    Returns:
        A new dictionary from the op of `pyquant.linear_quantize` to the function that writes
        it as ONNX operators (opset 18). A runtime that rounds every operator on its own, as
        onnxruntime does on a CPU, computes the same bits as `pyquant.linear_quantize`.

    Raises:
        ImportError: when this module is imported, if onnxscript is not installed.
    """
    return {LINEAR_QUANTIZE: _linear_quantize}


def _linear_quantize(image: Any, bits: int, rounding: str = "nearest") -> Any:
    if image.dtype == ir.DataType.UINT8:
        every_byte = torch.arange(256, dtype=torch.uint8)[None]
        results = linear_quantize(every_byte, bits, rounding=rounding)[0].tolist()
        table = op.Cast(op.Constant(value_ints=results), to=ir.DataType.UINT8)
        return op.Gather(table, op.Cast(image, to=ir.DataType.INT32))
    # The steps of pyquant.reference.
    value = op.Cast(image, to=ir.DataType.FLOAT)
    value = op.Min(op.Where(op.Greater(value, 0.0), value, 0.0), 1.0)  # NaN fails the comparison
    steps = float(2**bits - 1)
    if rounding == "nearest":
        code = op.Floor(op.Add(op.Mul(value, steps), 0.5))
    else:
        code = op.Floor(op.Div(op.Mul(value, 255.0), float(2 ** (8 - bits))))
    return op.Cast(op.Div(code, steps), to=image.dtype)
