"""Mistakes that only the code shows: what runs leaves no trace of them, or stops before anything is fed.

The functions yield nothing from evidence of a pipeline that ran; the findings come from ``tare.checking.repository.rules``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import NORMALIZE, Problem, rule


@rule(
    "TARE100",
    "constant-typo",
    "error",
    wrong="v2.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.255))",
    right=NORMALIZE,
)
def constant_typo(evidence: Evidence) -> Iterator[Problem]:
    """A slip of the pen in published constants.

    Two of three numbers are those of a published mean or std, and the third differs in one digit. One channel is then scaled
    differently from the others. Nobody notices, because training adapts to it; a network whose weights are frozen cannot.
    """
    del evidence
    yield from ()


@rule(
    "TARE101",
    "network-range",
    "error",
    wrong="ImageDataGenerator(rescale=1 / 255) before MobileNetV2(weights='imagenet')",
    right="ImageDataGenerator(preprocessing_function=tf.keras.applications.mobilenet_v2.preprocess_input)",
)
def network_range(evidence: Evidence) -> Iterator[Problem]:
    """Images scaled for another range than the network of Keras expects.

    Each network of keras.applications has its own scaling: -1..1, the ImageNet means subtracted from BGR, or raw values which the
    network scales itself, as EfficientNet and ConvNeXt do. None of them wants 0..1 alone. Together with a division by 255,
    ``preprocess_input`` gives values of a 255th of their size.
    """
    del evidence
    yield from ()


@rule(
    "TARE102",
    "grey-code",
    "warning",
    wrong="cv2.cvtColor(cv2.imread(path), cv2.COLOR_RGB2GRAY)",
    right="cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2GRAY)",
)
def grey_code(evidence: Evidence) -> Iterator[Problem]:
    """A colour code for RGB on an image that is BGR.

    ``cv2.imread`` gives blue, green, red. A code that begins with COLOR_RGB2 takes blue for red, so that the grey value weighs
    red with 0.114 and blue with 0.299, and a hue is that of another colour. The image still looks like an image. Where another
    code brings the image back, change both: one of them alone exchanges red and blue.
    """
    del evidence
    yield from ()


@rule(
    "TARE103",
    "imread-flag",
    "error",
    wrong="cv2.imread(path, cv2.COLOR_BGR2RGB)",
    right="cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)",
)
def imread_flag(evidence: Evidence) -> Iterator[Problem]:
    """A code of cvtColor where imread takes a flag.

    Both are plain numbers, so OpenCV takes COLOR_BGR2RGB (4) for IMREAD_ANYCOLOR (4) and reads as before: the image stays BGR,
    and the reader of the code believes that it is RGB.
    """
    del evidence
    yield from ()


@rule(
    "TARE104",
    "transform-text",
    "error",
    wrong="ImageFolder(root, transform=transforms['train'] if train else 'test')",
    right="ImageFolder(root, transform=transforms['train' if train else 'test'])",
)
def transform_text(evidence: Evidence) -> Iterator[Problem]:
    """A text where a transform belongs.

    The dataset calls its transform with each image, and a text cannot be called: the branch fails with its first image. It stays
    unnoticed as long as nobody takes this branch.
    """
    del evidence
    yield from ()


@rule(
    "TARE105",
    "generator-option",
    "warning",
    wrong="ImageDataGenerator(featurewise_center=True).flow_from_directory('train')",
    right="generator = ImageDataGenerator(featurewise_center=True); generator.fit(training_images)",
)
def generator_option(evidence: Evidence) -> Iterator[Problem]:
    """An option of ImageDataGenerator without its effect.

    ``featurewise_center``, ``featurewise_std_normalization`` and ``zca_whitening`` apply statistics that only ``generator.fit``
    takes. Without it Keras prints a warning and leaves the images as they are. ``fit`` takes the statistics before ``rescale``,
    and they are applied after it: with both, a mean of about 120 is subtracted from values of 0..1.
    """
    del evidence
    yield from ()


@rule(
    "TARE106",
    "undone-otherwise",
    "warning",
    wrong="plt.imshow(x * imagenet_std + imagenet_mean) of images that Normalize((0.5,), (0.5,)) made",
    right="plt.imshow(x * 0.5 + 0.5)",
)
def undone_otherwise(evidence: Evidence) -> Iterator[Problem]:
    """A normalisation undone with other constants.

    A picture of what the network sees multiplies by the std and adds the mean. With the constants of another normalisation its
    colours and its contrast are wrong, and who looks at it draws conclusions about images that nobody has fed.
    """
    del evidence
    yield from ()


@rule(
    "TARE107",
    "mixed-constants",
    "warning",
    wrong="v2.Normalize(mean=(0.485, 0.456, 0.406), std=(0.2023, 0.1994, 0.2010))",
    right=NORMALIZE,
)
def mixed_constants(evidence: Evidence) -> Iterator[Problem]:
    """The mean of one published set with the std of another.

    A mean and a std belong together: they are of the same images. A mean of ImageNet with a std of CIFAR-10 is what is left when
    one of two lines was changed. No network was trained so, and nothing stops the program.
    """
    del evidence
    yield from ()


@rule(
    "TARE108",
    "sample-rate",
    "error",
    wrong="y, sr = librosa.load(path); processor(y, sampling_rate=16000)",
    right="y, sr = librosa.load(path, sr=16000); processor(y, sampling_rate=16000)",
)
def sample_rate(evidence: Evidence) -> Iterator[Problem]:
    """A sound at another sample rate than its network's.

    A network counts samples, not seconds. Trained at 16000 Hz and given 22050, to which librosa resamples unless told otherwise,
    it hears everything 1.38 times slower and lower: vowels and pitch are those of another speaker. A feature extractor believes
    the ``sampling_rate`` that it is told, and without one it only warns.
    """
    del evidence
    yield from ()


@rule(
    "TARE109",
    "sound-range",
    "error",
    wrong="yamnet(np.frombuffer(chunk, np.int16).astype(np.float32))",
    right="yamnet(np.frombuffer(chunk, np.int16).astype(np.float32) / 32768)",
)
def sound_range(evidence: Evidence) -> Iterator[Problem]:
    """A sound of another range than its network expects.

    librosa, soundfile and torchaudio give values of -1..1; buffers and ``wavfile.read`` give the integers of the file, up to
    32767. In the logarithm of a spectrogram this factor is an offset of 20.8, more than a recording varies by itself. Values of
    -1..1 that are divided by 32768 once more are so small that a logarithm or a layer norm takes them for silence.
    """
    del evidence
    yield from ()


@rule(
    "TARE081",
    "unseen-input",
    "note",
    wrong="model(prepare(image))  # prepare is of a package that is not followed",
    right="tare.watch(model), which looks at what arrives while the program runs",
)
def unseen_input(evidence: Evidence) -> Iterator[Problem]:
    """What a network gets could not be followed.

    A pretrained network whose input is known, and no image, pipeline or normalisation in the same program that could be compared
    with it. Without a finding such a program is not judged, which is not the same as right. Only ``--pedantic`` says so.
    """
    del evidence
    yield from ()
