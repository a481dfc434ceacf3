"""From MJML to HTML, once for each version of a template, with the Liquid tokens left as they are."""

from functools import lru_cache
from typing import Protocol

from mjml import mjml2html


class TemplateNotCompiled(ValueError):
    """The MJML of a template does not compile: mend it in catalog/data/templates."""


class HasMjml(Protocol):
    mjml: str


@lru_cache(maxsize=256)
def compile_mjml(mjml: str) -> str:
    """HTML for a piece of MJML. No fonts are linked: MJML would fetch them from Google in every customer's mail."""
    try:
        return str(mjml2html(mjml, disable_comments=False, fonts={}))
    except (ValueError, OSError) as error:
        raise TemplateNotCompiled(str(error)) from error


def compile_email(template: HasMjml) -> str:
    """The HTML of an e-mail template, still with its Liquid tokens."""
    return compile_mjml(template.mjml)
