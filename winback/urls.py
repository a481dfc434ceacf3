"""Every address of winback. Rooms bring their own url lists; the order is that of contract.md §4."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("console/", admin.site.urls),
]
