"""Disclosure control: tables made safe to publish together, and the attack that tells."""

from rereferral.disclosure.attack import Attack, attack
from rereferral.disclosure.protect import protect
from rereferral.disclosure.release import Release

__all__ = ["Attack", "Release", "attack", "protect"]
