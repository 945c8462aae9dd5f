"""The templates that come with the product."""

from control_plane.registry import Template
from control_plane.templates.demo import demo
from control_plane.templates.harbor import harbor

BUILT_IN = (Template("system", title="Organization"), demo, harbor)
