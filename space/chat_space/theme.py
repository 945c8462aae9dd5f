"""Gradio's theme: its own parts in the stylesheet's colours, without boxes and shadows."""

import gradio as gr
from gradio.themes import LocalFont
from gradio.themes.utils.colors import Color

# The same teal and neutral as static/space.css.
ACCENT = Color(
    name="tide", c50="#effaf8", c100="#d9f2ee", c200="#b2e4dc", c300="#7fd0c4", c400="#4bb8a9",
    c500="#1f9a8b", c600="#0f766e", c700="#0d6259", c800="#0d4f49", c900="#0c403b", c950="#062723",
)  # fmt: skip
NEUTRAL = Color(
    name="slate", c50="#f5f7f9", c100="#eceff2", c200="#dfe4e8", c300="#c5cdd5", c400="#93a0ad",
    c500="#6b7885", c600="#55616d", c700="#36414c", c800="#262e37", c900="#171d25", c950="#0e1318",
)  # fmt: skip


def theme() -> gr.themes.Base:
    """The theme. Only weights 400 and 700 of the bundled font are whole."""
    plex = LocalFont("IBM Plex Sans", weights=(400, 700))
    base = gr.themes.Base(
        primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue=NEUTRAL,
        font=[plex, "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
    )  # fmt: skip
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_padding="0px",
        layout_gap="16px",
    )
