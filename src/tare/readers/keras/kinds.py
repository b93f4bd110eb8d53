"""The layers of Keras by what they do to raw values in front of a model: leave, move, average, bend, or learn from them."""

from __future__ import annotations

#: Layers that leave values as they are outside of training, and those that only move, cut, pad or average places of an image:
#: a scale and a shift per channel are the same before and behind them.
PASSED = frozenset({
    "InputLayer", "Identity", "Cast", "ActivityRegularization", "Masking",
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianNoise", "GaussianDropout",
    "MixUp", "CutMix", "AugMix", "RandAugment",
    "Resizing", "CenterCrop", "Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D",
    "UpSampling1D", "UpSampling2D", "UpSampling3D", "RepeatVector",
    *(f"{kind}Pooling{axes}D" for kind in ("Average", "Max", "GlobalAverage", "GlobalMax", "AdaptiveAverage", "AdaptiveMax")
      for axes in (1, 2, 3)),
})  # fmt: skip

#: Layers that give values other axes; the channels may not be last behind them.
MOVED = frozenset({"Flatten", "Reshape", "Permute"})

#: Layers without weights that make something of values that no scale and shift are.
BENT = frozenset({
    "ReLU", "LeakyReLU", "ThresholdedReLU", "ELU", "Softmax", "UnitNormalization", "AutoContrast", "Equalization", "Solarization",
    "ContrastLimitedAdaptiveHistogramEqualization", "CategoryEncoding", "Discretization", "Hashing", "HashedCrossing",
    "IntegerLookup", "StringLookup", "TextVectorization", "MelSpectrogram", "STFTSpectrogram", "MaxNumBoundingBoxes",
    "RandomFourierFeatures",
})  # fmt: skip

#: Layers that join tensors element by element or side by side.
JOINED = frozenset({"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"})

#: Those among them that make of the same tensor several times this tensor.
ALIKE = frozenset({"Average", "Maximum", "Minimum"})
