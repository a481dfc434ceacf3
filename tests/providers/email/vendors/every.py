"""Every service of django-anymail, Amazon SES (moto) and Postmark (a test module of its own) apart."""

from tests.providers.email.vendors.brevo import BREVO
from tests.providers.email.vendors.mailersend import MAILERSEND
from tests.providers.email.vendors.mailgun import MAILGUN
from tests.providers.email.vendors.mailjet import MAILJET
from tests.providers.email.vendors.mailtrap import MAILTRAP
from tests.providers.email.vendors.postal import POSTAL
from tests.providers.email.vendors.resend import RESEND
from tests.providers.email.vendors.scaleway import SCALEWAY
from tests.providers.email.vendors.sendgrid import SENDGRID
from tests.providers.email.vendors.sparkpost import SPARKPOST
from tests.providers.email.vendors.unisender_go import UNISENDER_GO
from tests.providers.email.vendors.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    MAILGUN, RESEND, BREVO, MAILERSEND, MAILJET, MAILTRAP, SPARKPOST, POSTAL, SCALEWAY, UNISENDER_GO, SENDGRID
)  # fmt: skip
