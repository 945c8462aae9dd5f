"""Pure decisions: no clock, no database, no network, no model."""

from control_plane.engine.decide import Context, decide
from control_plane.engine.preview import Prediction, predict

__all__ = ["Context", "Prediction", "decide", "predict"]
