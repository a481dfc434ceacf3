"""The customer's pages."""

from django.urls import path

from campaigns.tracking import views

urlpatterns = [
    path("u/<str:token>", views.unsubscribe, name="unsubscribe"),
    path("book/<str:token>", views.book, name="book"),
]
