"""The customer's pages."""

from django.urls import path

from campaigns.tracking import link_views, views

urlpatterns = [
    path("u/<str:token>", views.unsubscribe, name="unsubscribe"),
    path("book/<str:token>", views.book, name="book"),
    path("t/<str:token>", link_views.follow, name="tracked_link"),
    path("o/<str:token>.gif", link_views.pixel, name="open_pixel"),
]
