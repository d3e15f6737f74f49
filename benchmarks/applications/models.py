"""The applications, with weights as initialised and statistics of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmarks.zoo import SEED, take_statistics

if TYPE_CHECKING:
    import keras

Images = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Application:
    """One of `keras.applications`.

    Attributes:
        name: Its function.
        size: Rows and columns of its images, Keras's default.
    """

    name: str
    size: int = 224

    def build(self) -> keras.Model:
        """The model, always with the same weights and statistics."""
        import keras

        keras.utils.set_random_seed(SEED)
        function = getattr(keras.applications, self.name)
        # Some applications leave the size open unless it is given.
        model = function(weights=None, input_shape=(self.size, self.size, 3))
        take_statistics(model)
        return model

    def images(self, count: int, seed: int = SEED) -> Images:
        """Noise, always the same."""
        shape = (count, self.size, self.size, 3)
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


APPLICATIONS = (
    Application("MobileNet"),
    Application("MobileNetV2"),
    Application("MobileNetV3Small"),
    Application("MobileNetV3Large"),
    Application("EfficientNetB0"),
    Application("EfficientNetV2B0"),
    Application("DenseNet121"),
    Application("NASNetMobile"),
    Application("Xception", 299),
    Application("InceptionV3", 299),
    Application("ResNet50V2"),
    Application("ConvNeXtTiny"),
    Application("VGG16"),
)


def named(name: str) -> Application:
    """The application of that name.

    Raises:
        ValueError: There is none.
    """
    for application in APPLICATIONS:
        if application.name == name:
            return application
    known = ", ".join(item.name for item in APPLICATIONS)
    raise ValueError(f"application: expected one of {known}, got {name!r}")
