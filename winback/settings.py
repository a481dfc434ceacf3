"""The one settings module: every host-specific value comes from the environment, read here and nowhere else.

What each variable means stands in .env.example; what can only be judged together, in winback/checks.py.
"""

from pathlib import Path

from winback import sentinels
from winback.environment import Environment, checked_address

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()  # NAME_FILE is read where NAME may be a secret
if (BASE_DIR / ".env").is_file():
    env.read_env(str(BASE_DIR / ".env"))

DEBUG: bool = env.flag("DEBUG")
SECRET_KEY: str = env.required("SECRET_KEY", "a long random string that signs sessions and links")
WINBACK_ENCRYPTION_KEYS: list[str] = [
    key.strip()
    for key in env.required(
        "WINBACK_ENCRYPTION_KEYS", "comma-separated Fernet keys, newest first, that encrypt provider credentials"
    ).split(",")
]
WINBACK_HOME: Path = env.folder("WINBACK_HOME", BASE_DIR / "var")
WINBACK_EMBEDDED: bool = env.flag("WINBACK_EMBEDDED")
WINBACK_PUBLIC_URL: str = checked_address(
    "WINBACK_PUBLIC_URL",
    env.text("WINBACK_PUBLIC_URL", "http://127.0.0.1:8000"),
    ("http", "https"),
    "https://winback.example.com",
).rstrip("/")
WINBACK_METRICS_TOKEN: str = env.text("WINBACK_METRICS_TOKEN")
WINBACK_DNS_SERVERS: list[str] = env.words("WINBACK_DNS_SERVERS", [])
WINBACK_ALLOW_PRIVATE_ADDRESSES: bool = env.flag("WINBACK_ALLOW_PRIVATE_ADDRESSES")
WINBACK_SCHEDULE_TICK = "campaigns.operating.schedule.tick"
WINBACK_HOST_TICK = "campaigns.operating.hosts.tend"
ALLOWED_HOSTS: list[str] = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "winback.console.apps.ConsoleConfig",
    "winback.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_rq",
    "anymail",
    "catalog.apps.CatalogConfig",
    "tenants.apps.TenantsConfig",
    "campaigns.apps.CampaignsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "winback.console.security.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.access.middleware.TenantScopeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "winback.urls"
WSGI_APPLICATION = "winback.wsgi.application"
ASGI_APPLICATION = "winback.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASE_URL = checked_address(
    "DATABASE_URL",
    env.required("DATABASE_URL", "the address of PostgreSQL 15 or newer"),
    ("postgres", "postgresql"),
    "postgres://user:password@host:5432/database",
    several=True,  # a standby that may take over: docs/operations.md, More than one machine
)
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
# A server that vanishes answers nothing, not even no: without these a worker would wait for it for many minutes.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
} | DATABASES["default"].get("OPTIONS", {})
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["TEST"] = {"NAME": env.text("WINBACK_TEST_DATABASE") or None}

REDIS_URL = sentinels.checked("REDIS_URL", env.required("REDIS_URL", "the address of Redis or Valkey"))
RQ_QUEUES = {
    # The longest honest job is a full scan; a worker that died is noticed by its heartbeat, not by this.
    name: sentinels.rq_settings(REDIS_URL) | {"DEFAULT_TIMEOUT": 3600}
    for name in ("replies", "awaited", "default")  # winback/queues.py says what for
}
RQ = {"WORKER_CLASS": "winback.runtime.worker.WinbackWorker"}
RQ_SHOW_ADMIN_LINK = False

AUTH_USER_MODEL = "tenants.User"
LOGIN_URL = "/console/login/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["winback.console.formats"]

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # static files are served from the packages: no collectstatic step to forget
MEDIA_ROOT = WINBACK_HOME / "media"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_https = WINBACK_PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 12
CSRF_TRUSTED_ORIGINS = [WINBACK_PUBLIC_URL]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
SECURE_SSL_REDIRECT: bool = env.flag("SSL_REDIRECT")
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked from inside, where there is no TLS
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.one_of("LOG_LEVEL", LEVELS, "WARNING")},
}
