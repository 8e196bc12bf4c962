"""What any way of telling people promises."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Notifier"]


class Notifier(Protocol):
    """Sends one message to one address."""

    def send(self, address: str, title: str, body: str) -> None:
        """Send plain text, and return once the service has taken it.

        :raises NbmlopsError: if it was not taken; the message must not tell the address.
        """
