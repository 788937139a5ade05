from .experiment import Experiment, open_experiment
from .failures import Failure
from .measured import find_measure, measures_of
from .models import Model, NetworkModel, ScenarioModel
from .results import Results
from .variants import Variant

__all__ = [
    "Experiment",
    "Failure",
    "Model",
    "NetworkModel",
    "Results",
    "ScenarioModel",
    "Variant",
    "find_measure",
    "measures_of",
    "open_experiment",
]
