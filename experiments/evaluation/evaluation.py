"""What one cell of a table measures: the settings of an evaluation."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from experiments.method.attacks import Attack, make_attack
from experiments.method.filters import FILTERS
from experiments.method.kinds import check_kind
from experiments.support.runtime import Precision

Attacker = Literal["after", "before"]
Gradient = Literal["network", "quantization", "filter"]


@dataclass(frozen=True)
class Evaluation:
    """One network on one kind of test images, clean or attacked.

    A field that is added later needs a default that is true of the stored cells: they are read with
    it.
    """

    models: str
    """Name of the set of models."""
    model: str
    """What the network was trained on: a kind of image."""
    kind: str
    """What it is tested on: a kind of image."""
    images: int
    """How many test images; those of a smaller evaluation are among those of a larger one."""
    attack: Attack | None = None
    """The method with its settings; None leaves the images as they are."""
    attacker: Attacker = "after"
    """Where the attacker stands. after: the quantized image is changed (the paper's threat model).
    before: the 8-bit image is changed, and quantized afterwards (the paper's last experiment)."""
    gradient: Gradient = "network"
    """What the attack, and so its gradient, passes through. network: the bare network.
    quantization: the quantization, then the network. filter: all that comes after the attacker, the
    filter too. Quantization and filter pass the gradient straight through (BPDA, Athalye et al.
    2018)."""
    filters: tuple[str, ...] = FILTERS
    """The network classifies the images after each of these filters. They share the attacked images;
    an attack through the filter has only one."""
    precision: Precision = "bfloat16"

    def __post_init__(self) -> None:
        check_kind(self.model, "model")
        check_kind(self.kind)
        if self.images < 1:
            raise ValueError(f"images is {self.images!r}; accepted are whole numbers from 1")
        _refuse_others("attacker", self.attacker, get_args(Attacker))
        _refuse_others("gradient", self.gradient, get_args(Gradient))
        _refuse_others("precision", self.precision, get_args(Precision))
        if not self.filters:
            raise ValueError(f"filters is (); accepted are some of {', '.join(FILTERS)}")
        for name in self.filters:
            _refuse_others("filters", name, FILTERS)
        if self.attack is None and (self.attacker, self.gradient) != ("after", "network"):
            raise ValueError(
                f"attack is None, attacker {self.attacker!r}, gradient {self.gradient!r}; accepted "
                "without an attack are 'after' and 'network'"
            )
        if self.gradient == "quantization" and self.attacker == "after":
            raise ValueError(
                "gradient is 'quantization', attacker 'after'; after the quantization, accepted are "
                "network, filter"
            )
        if self.gradient == "filter" and len(self.filters) != 1:
            raise ValueError(
                f"filters is {self.filters!r}; accepted with gradient 'filter' is one filter"
            )

    @property
    def epsilon(self) -> float:
        """Largest change of a value, in 1/255."""
        return 0.0 if self.attack is None else self.attack.epsilon

    def record(self) -> dict[str, Any]:
        """The settings as JSON: what decides the result, besides the model's file and the images."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        settings["filters"] = list(self.filters)
        if self.attack is None:
            for name in ("attack", "attacker", "gradient"):
                del settings[name]
        else:
            settings["attack"] = {"method": self.attack.method, **asdict(self.attack)}
        return settings

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Evaluation":
        """The evaluation with this ``record``; a missing setting has its default.

        Raises:
            ValueError: it holds a setting that this version does not know, or lacks one that has no
                default.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in record if name not in known]
        if unknown:
            raise ValueError(f"{unknown[0]} is not a setting; accepted are {', '.join(known)}")
        settings = dict(record)
        try:
            if settings.get("attack") is not None:
                settings["attack"] = make_attack(**settings["attack"])
            if "filters" in settings:
                settings["filters"] = tuple(settings["filters"])
            return cls(**settings)
        except TypeError as error:
            raise ValueError(f"{record} is not an evaluation: {error}") from error

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that stand for the settings."""
        text = json.dumps(self.record(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        text = f"model {self.model} on {self.kind}, {self.images:,} images"
        if self.attack is not None:
            text += f", {self.attack.method} at {self.epsilon:g}/255 {self.attacker} quantization"
            text += f" on {self.gradient}"
        return text if self.precision == "bfloat16" else f"{text}, {self.precision}"


def _refuse_others(name: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name} is {value!r}; accepted are {', '.join(accepted)}")
