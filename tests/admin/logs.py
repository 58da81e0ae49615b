"""What was written into a log, whoever's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.catalogue import ask
from tests.servers import DatabaseUrls

ENTRIES = "SELECT * FROM audit_entries WHERE organization_id IS NOT DISTINCT FROM $1 ORDER BY id"


@dataclass(frozen=True, slots=True)
class Log:
    urls: DatabaseUrls

    async def entries(
        self, organization_id: UUID | None = None
    ) -> list[dict[str, Any]]:  # Any: column values
        """None: the platform's."""
        return await ask(self.urls.superuser, ENTRIES, organization_id)

    async def actions(self, organization_id: UUID | None = None) -> list[str]:
        return [entry["action"] for entry in await self.entries(organization_id)]
