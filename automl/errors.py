"""Every mistake a user can make, as one tree.

AutomlError                 one message: what was got, why it fails, what to do; exit code 2
├── SettingsError           an environment variable, a flag or a line of `.env`
├── RecipeError             a value outside its field's range, an unknown field
├── SpaceError              a search space file or mapping; all its mistakes at once
├── DataError               images, labels, splits
│   └── ArrayError           arrays given in Python; a ValueError too, as scikit-learn's are
├── ModelError              a network that cannot be built for these images
├── TrainingError           a run that cannot start or go on
│   ├── DivergedError       NaN or infinity in the loss
│   └── TrainingInterrupted someone asked the run to stop in mid-epoch
├── DiskFullError           no space left for weights, checkpoints or pictures
├── StorageError            the database: unreachable, refused, of another version
├── StudyError              an unknown study, a contradiction, no finished trial
│   ├── LeaseLostError      another worker continues this trial: abandon it
│   └── WorkerEndedError    a worker of this command could not go on
└── ModelFileError          an exported model that is foreign, damaged or of another version

A bug is anything else: it keeps its traceback and exits with 1.
"""


class AutomlError(Exception):
    """A user's mistake or an outside condition, described in one message without a traceback."""


class SettingsError(AutomlError):
    """A setting that cannot be used."""


class RecipeError(AutomlError):
    """A recipe with an unknown field or a value outside its range."""


class SpaceError(AutomlError):
    """A search space that cannot be searched."""


class DataError(AutomlError):
    """Data that cannot be read or learnt from."""


class ArrayError(DataError, ValueError):
    """Arrays, lists or labels given in Python that cannot be learnt from or predicted."""


class ModelError(AutomlError):
    """A network that cannot be built from this recipe for these images."""


class TrainingError(AutomlError):
    """A training run that cannot start or go on."""


class DivergedError(TrainingError):
    """The loss became NaN or infinite."""


class TrainingInterrupted(TrainingError):  # noqa: N818 nothing went wrong
    """The run was asked to stop in mid-epoch; it goes on from its last state."""


class DiskFullError(AutomlError):
    """A disk without space, or a quota that is used up."""


class StorageError(AutomlError):
    """A database that cannot be used."""


class StudyError(AutomlError):
    """A study that does not exist, or does not allow what was asked."""


class LeaseLostError(StudyError):
    """The trial now belongs to another attempt; its old worker abandons it."""


class WorkerEndedError(StudyError):
    """A worker process of this command ended with an error."""


class ModelFileError(AutomlError):
    """A file that is not a usable exported model."""
