"""Every address of winback. Rooms bring their own url lists; the order is that of contract.md §4."""

from django.contrib import admin
from django.urls import include, path

from campaigns.compliance.api import router as compliance
from campaigns.operating import health
from campaigns.operating.api import router as contacts
from campaigns.operating.connection_api import router as connections
from campaigns.operating.privacy_api import router as privacy
from campaigns.planning.api import router as campaigns
from campaigns.results.api import router as results
from campaigns.tracking import hooks
from campaigns.tracking import urls as tracking
from campaigns.tracking.api import router as conversations
from catalog.api import router as catalog
from tenants.access.api import DeveloperApi
from tenants.activation.api import router as activation
from tenants.webhooks.api import router as webhooks
from winback.console import branding

api = DeveloperApi()
api.add_router("/catalog", catalog)
api.add_router("/tenants", activation)
api.add_router("/contacts", contacts)
api.add_router("/contacts", privacy)
api.add_router("/campaigns", campaigns)
api.add_router("/conversations", conversations)
api.add_router("/results", results)
api.add_router("/compliance", compliance)
api.add_router("/connections", connections)
api.add_router("/webhooks", webhooks)

urlpatterns = [
    path("console/", admin.site.urls),
    path("api/", include(api.pages())),
    path("api/", api.urls),
    path("", include(tracking)),
    path("", include(hooks)),
    path("", include(branding)),
    path("", include(health)),
]
