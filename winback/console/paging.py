"""BoundedPaginator: lists that stay quick at a million rows."""

from django.core.paginator import EmptyPage, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most ``most + 1`` rows and opens at most ``last_page`` pages.

    A list of a million then costs what a list of ten thousand does: nobody reads page 19,000, they search.
    """

    most = 10_000
    last_page = 200

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: self.most + 1].count()
        return min(len(rows), self.most + 1)

    @property
    def bounded(self) -> bool:
        """Whether there are more rows than are counted."""
        return self.count > self.most

    @property
    def count_text(self) -> str:
        return f"{self.most:,}+" if self.bounded else f"{self.count:,}"

    @cached_property
    def num_pages(self) -> int:
        return min(super().num_pages, self.last_page)

    def validate_number(self, number: float | str) -> int:
        valid = super().validate_number(number)
        if valid > self.last_page:
            raise EmptyPage(f"Lists end at page {self.last_page}: search or filter instead.")
        return valid
