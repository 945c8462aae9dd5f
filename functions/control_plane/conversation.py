"""What is said to the chat function; the API's description shows it, too."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["interactive", "assisted", "autonomous"]


class ChatRequest(BaseModel):
    """A message to turn into proposed steps, of which `mode` bounds the number."""

    model_config = ConfigDict(strict=True, extra="forbid")

    message: Annotated[str, Field(min_length=1)]
    mode: Mode = "assisted"
    conversation_id: Annotated[str, Field(max_length=128)] | None = None
