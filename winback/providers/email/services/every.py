"""The services of django-anymail that can be chosen, Amazon SES apart, which is a class of its own."""

from winback.providers.email.services.brevo import BREVO
from winback.providers.email.services.mailersend import MAILERSEND
from winback.providers.email.services.mailgun import MAILGUN
from winback.providers.email.services.mailjet import MAILJET
from winback.providers.email.services.mailtrap import MAILTRAP
from winback.providers.email.services.postal import POSTAL
from winback.providers.email.services.postmark import POSTMARK
from winback.providers.email.services.resend import RESEND
from winback.providers.email.services.scaleway import SCALEWAY
from winback.providers.email.services.sendgrid import SENDGRID
from winback.providers.email.services.service import Service
from winback.providers.email.services.sparkpost import SPARKPOST
from winback.providers.email.services.unisender_go import UNISENDER_GO

SERVICES: tuple[Service, ...] = (
    POSTMARK, MAILGUN, RESEND, BREVO, MAILERSEND, MAILJET, MAILTRAP, SPARKPOST, POSTAL, SCALEWAY, UNISENDER_GO, SENDGRID
)  # fmt: skip
