"""What all of REST v2 has in common: pages, and where links lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import StringConstraints

#: More on one page than this is cut, and the page says so.
MOST_PER_PAGE = 100
_PER_PAGE = 20
#: What lies behind it could not be counted.
_LAST_PAGE = 10**9

#: What somebody looks for: a name, or a part of one. Postgres takes no U+0000.
Sought = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    #: From 1.
    number: int = 1
    #: 1 to MOST_PER_PAGE.
    per_page: int = _PER_PAGE

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.per_page

    def info(self, total: int) -> dict[str, int]:
        """Return what a page says of itself, where the whole list has `total` items."""
        last = max(1, -(-total // self.per_page))
        return {"currentPage": self.number, "perPage": self.per_page, "lastPage": last, "total": total}


def _page(
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
    per_page: Annotated[int, Query(alias="perPage", ge=1, description=f"At most {MOST_PER_PAGE}.")] = _PER_PAGE,
) -> Page:
    return Page(page, min(per_page, MOST_PER_PAGE))


#: The page that a request asks for.
Paging = Annotated[Page, Depends(_page)]


def paged(items: Sequence[Any], page: Page, total: int, name: str = "data") -> dict[str, Any]:
    """Return a page of a list as VideoSDK writes it."""
    return {"pageInfo": page.info(total), name: list(items)}
