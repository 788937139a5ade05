from .arazzo_target import ArazzoTarget, find_target, load_target
from .settings import TargetSettings, read_settings
from .target import Answer, Outcome, Session, Target

__all__ = [
    "Answer",
    "ArazzoTarget",
    "Outcome",
    "Session",
    "Target",
    "TargetSettings",
    "find_target",
    "load_target",
    "read_settings",
]
