"""What the status tells of promises that are kept, and of work that waits for others."""

from pydantic import BaseModel, Field


class GuardStatus(BaseModel):
    """One promise, and whether it is enforced now."""

    name: str = Field(description="network, pictures or parsers")
    holds: bool
    how: str = Field(description="by what; or what of it is not")


class HeldStatus(BaseModel):
    """Work that waits although there is some."""

    what: str = Field(description="indexing or second pass")
    why: str
