"""The base of all models of settings, and the types that they share."""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")


class Model(BaseModel):
    """Settings by name; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True, frozen=True)


class Wrong(ValueError):
    """Invalid or contradictory settings, described in one line.

    In the text, `.key` in backticks is a key of the model that raises this, and `.` the model
    itself: the path of the model is inserted before the dot.
    """

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.splitlines()))  # a YAML key may contain line breaks


def setting(description: str, default: Any = ..., **more: Any) -> Any:
    """Return a field with its description; without a default the field is required."""
    return Field(default, description=description, validate_default=True, **more)


# ------------------------------------------------------------------------------ numbers

Whole = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Count = Annotated[int, Field(ge=1)]
Pair = Annotated[int, Field(ge=2)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Radius = Annotated[float, Field(gt=0, le=1)]
Distance = Annotated[float, Field(gt=0, le=2)]

# ------------------------------------------------------------------------------ texts and lists

SHA256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def all_differ(values: list[T]) -> list[T]:
    """Refuse a list with duplicate entries."""
    if any(value in values[:i] for i, value in enumerate(values)):
        raise Wrong(f"`.` is {json.dumps(values)}; needs distinct entries")
    return values


Distinct = Annotated[
    list[T], AfterValidator(all_differ), Field(json_schema_extra={"uniqueItems": True})
]
Some = Annotated[Distinct[T], Field(min_length=1)]
Seeds = Some[Seed]


@dataclass(frozen=True)
class Variants:
    """Marks named entries that may start from another one (`from`)."""


Entries = Annotated[dict[Name, T], Variants()]

# ------------------------------------------------------------------------------ alternatives


@dataclass(frozen=True)
class Union:
    """Makes a union of types a tagged choice, so that an error refers to the intended type.

    ``chosen`` returns the tag of the type for a value. Tags are in angle brackets, so that they are
    not taken for keys in the location of an error.
    """

    tags: tuple[str, ...]
    chosen: Callable[[Any], Hashable]
    key: str = ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        kinds = dict(zip(self.tags, get_args(source), strict=True))

        def tag(value: Any) -> Hashable:
            of_model = (tag for tag, kind in kinds.items() if type(value) is kind)
            return next(of_model, None) or self.chosen(value)

        return core_schema.tagged_union_schema(
            {tag: handler.generate_schema(kind) for tag, kind in kinds.items()},
            tag,
            custom_error_type="no_such_kind",
            custom_error_message="no such kind",
            custom_error_context={"key": self.key, "allowed": ", ".join(self.tags)},
        )


def by(key: str, *values: str) -> Union:
    """Choose a model by the value of its ``key``."""

    def chosen(settings: Any) -> str | None:
        return f"<{settings.get(key)}>" if isinstance(settings, dict) else None

    return Union(tuple(f"<{value}>" for value in values), chosen, key)


TEXT_OR_NUMBER = Union(
    ("<text>", "<number>"), lambda value: "<text>" if isinstance(value, str) else "<number>"
)


@dataclass(frozen=True)
class SomeOf:
    """Makes a mapping contain some settings of ``model``, in the given order."""

    model: type[Model]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def given(value: Any, validate: Callable[[Any], Model]) -> dict[str, Any]:
            checked = validate(value)
            return {key: getattr(checked, key) for key in value}

        return core_schema.no_info_wrap_validator_function(
            given,
            handler.generate_schema(self.model),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


# ------------------------------------------------------------------------------ shared by sections


class Training(Model):
    """How a network is trained. The defaults are those of the authors' code."""

    epochs: Count = setting("Passes over the training images.", 600)
    batch_size: Pair = setting("Images per step.", 64)
    lr: Positive = setting("Adam's learning rate; the peak under one_cycle.", 0.0002)
    beta1: Decay = setting("Adam's first decay.", 0.5)
    schedule: Literal["constant", "one_cycle"] = setting("Learning-rate schedule.", "constant")
    weight_decay: Weight = setting("Decoupled weight decay per step.", 0.0)


class Augmentation(Model):
    """Random variations of the training digits."""

    shift: Annotated[float, Field(ge=0, le=14)] = setting("Maximum translation, pixels.", 2.0)
    rotation: Annotated[float, Field(ge=0, le=45)] = setting("Maximum rotation, degrees.", 10.0)
    scale: Annotated[float, Field(ge=0, le=0.5)] = setting("Maximum relative change of size.", 0.1)
    binarised: Share = setting("Share of binarised images.", 0.3)


class JudgeAugmentation(Augmentation):
    """Random variations of the judges' training digits, so that they can judge attacked images."""

    shear: Annotated[float, Field(ge=0, le=1)] = setting(
        "Maximum horizontal shear, pixels per pixel of height.", 0.25
    )
    elastic: Annotated[float, Field(ge=0, le=4)] = setting(
        "Maximum standard deviation of a smooth displacement, pixels.", 0.8
    )
    strokes: Share = setting(
        "Probability of each: strokes of other thickness, a dimmed part, a dimmed image.", 0.3
    )
    clutter: Share = setting("Probability of each: single pixels, grey patches, noise.", 0.3)


def one_cycle(**changes: Any) -> Training:
    """Return the training settings of our own networks: one_cycle, Adam's default first decay."""
    usual: dict[str, Any] = {"beta1": 0.9, "schedule": "one_cycle"}
    return Training(**usual | changes)


def check_k(start: float, largest: float, where: str = "`.`") -> None:
    """Refuse a start of k above its maximum (Eq. 10)."""
    if start > largest:
        raise Wrong(
            f"{where} has `k_start` {start} and `k_max` {largest}; needs a `k_start` of at most "
            "`k_max`"
        )


def check_warmup(key: str, warmup: float, training: Training, where: str = "`.training`") -> None:
    """Refuse a warm-up that the training ends before."""
    if warmup > training.epochs:
        raise Wrong(
            f"`.{key}` is {warmup:g}, but {where} has {training.epochs} `epochs`; needs at most "
            "these, so that the warm-up ends before the training"
        )


def check_weights(where: str, *weights: float) -> None:
    """Refuse a loss of logit pairing whose three weights are all 0."""
    if not any(weights):
        raise Wrong(
            f"{where} has `clean_weight`, `adversarial_weight` and `pairing_weight` 0; needs at "
            "least one above 0"
        )


def check_named(where: str, name: str, known: list[str], what: str) -> None:
    """Refuse a name that is not in ``known``."""
    if name not in known:
        raise Wrong(f"{where} {name!r}; needs {what}: {', '.join(known)}")
