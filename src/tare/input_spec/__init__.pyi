from .fields import Known as Known
from .fields import Unknown as Unknown
from .spec import InputSpec as InputSpec
