"""All rules on facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.kinds.chance import chance
from tare.checking.repository.rules.kinds.colours import colours
from tare.checking.repository.rules.kinds.constants import constants
from tare.checking.repository.rules.kinds.feeding import feeding
from tare.checking.repository.rules.kinds.libraries.followed import followed
from tare.checking.repository.rules.kinds.libraries.functions import functions
from tare.checking.repository.rules.kinds.libraries.learners import learners
from tare.checking.repository.rules.kinds.libraries.options import options
from tare.checking.repository.rules.kinds.libraries.presets import presets
from tare.checking.repository.rules.kinds.libraries.processors import processors
from tare.checking.repository.rules.kinds.libraries.raw import raw
from tare.checking.repository.rules.kinds.libraries.repeated import repeated
from tare.checking.repository.rules.kinds.libraries.scalers import scalers
from tare.checking.repository.rules.kinds.libraries.sounds import sounds
from tare.checking.repository.rules.kinds.libraries.spectra import spectra
from tare.checking.repository.rules.kinds.maps.again import again
from tare.checking.repository.rules.kinds.maps.blobs import blobs
from tare.checking.repository.rules.kinds.maps.formulas import formulas
from tare.checking.repository.rules.kinds.maps.networks import networks
from tare.checking.repository.rules.kinds.maps.pipelines import pipelines
from tare.checking.repository.rules.kinds.maps.scaling import scaling
from tare.checking.repository.rules.kinds.missing import missing
from tare.checking.repository.rules.kinds.order import order
from tare.checking.repository.rules.kinds.others import others
from tare.checking.repository.rules.kinds.ranges import ranges
from tare.checking.repository.rules.kinds.stages import stages
from tare.checking.repository.rules.kinds.statistics import statistics
from tare.code.facts import Facts

CODE_RULES: tuple[Callable[[Facts], Iterator[CodeFinding]], ...] = (
    constants,
    order,
    chance,
    functions,
    others,
    ranges,
    followed,
    raw,
    repeated,
    options,
    colours,
    sounds,
    spectra,
    missing,
    learners,
    processors,
    presets,
    feeding,
    scaling,
    pipelines,
    again,
    formulas,
    blobs,
    networks,
    stages,
    statistics,
    scalers,
)
