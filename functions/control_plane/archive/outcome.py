"""How archiving ends where it doesn't end well; the sentences say what to do."""


class BrokenChain(Exception):
    """A stored execution is not what its chain says. Nothing more is archived: look at it."""


class ReadBackDiffers(Exception):
    """S3 holds other bytes than were sent. Nothing was removed; look at the bucket, run again."""


class Unreadable(Exception):
    """What no manifest names is no archived execution, and may hold what was erased. Look at it."""


class Overtaken(Exception):
    """Another run archives the same executions. Nothing was removed here."""


class SetBack(Exception):
    """The bucket has anchors that this database doesn't know. Run `chat-agent recover` first."""


class Incomplete(Exception):
    """Some organizations' executions could not be archived; all others' were."""

    def __init__(self, reasons: list[Exception]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(map(str, reasons)))
