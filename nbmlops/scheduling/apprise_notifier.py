"""Messages to people through Apprise: e-mail, Slack, Teams, webhooks and a hundred more."""

from __future__ import annotations

import logging

from nbmlops.errors import SettingsError, StoreUnreachable

__all__ = ["AppriseNotifier"]


class AppriseNotifier:
    """Sends to one Apprise address at a time. Addresses hold credentials and are never told."""

    def send(self, address: str, title: str, body: str) -> None:
        """Send a message, and return once the service has taken it.

        :raises SettingsError: if Apprise is missing, or the address is not one.
        :raises StoreUnreachable: if the service did not take it.
        """
        try:
            import apprise
        except ImportError as error:
            raise SettingsError(
                "Notifications need Apprise: pip install 'nbmlops[notifications]'."
            ) from error
        # Apprise logs addresses, and so passwords, where logging is verbose.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        service = apprise.Apprise()
        if not service.add(address):
            raise SettingsError(
                "An address under [[notify]] is not one that Apprise knows; see its list of"
                " services."
            )
        if not service.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
            kind = address.partition(":")[0]
            raise StoreUnreachable(f"The {kind} service did not take the message.")
