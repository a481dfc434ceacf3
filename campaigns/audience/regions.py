"""Which time zones a place may be in: more than one where a state has two, so that quiet hours hold in all of them."""

# IANA zones by ISO 3166-2 code of the region, from the tz database's zone1970.tab and the states' own boundaries.
US = {
    "AL": ("America/Chicago",), "AK": ("America/Anchorage", "America/Adak"),
    "AZ": ("America/Phoenix", "America/Denver"), "AR": ("America/Chicago",),
    "CA": ("America/Los_Angeles",), "CO": ("America/Denver",), "CT": ("America/New_York",),
    "DE": ("America/New_York",), "DC": ("America/New_York",), "FL": ("America/New_York", "America/Chicago"),
    "GA": ("America/New_York",), "HI": ("Pacific/Honolulu",), "ID": ("America/Boise", "America/Los_Angeles"),
    "IL": ("America/Chicago",), "IN": ("America/Indiana/Indianapolis", "America/Chicago"), "IA": ("America/Chicago",),
    "KS": ("America/Chicago", "America/Denver"), "KY": ("America/New_York", "America/Chicago"),
    "LA": ("America/Chicago",), "ME": ("America/New_York",), "MD": ("America/New_York",), "MA": ("America/New_York",),
    "MI": ("America/Detroit", "America/Chicago"), "MN": ("America/Chicago",), "MS": ("America/Chicago",),
    "MO": ("America/Chicago",), "MT": ("America/Denver",), "NE": ("America/Chicago", "America/Denver"),
    "NV": ("America/Los_Angeles", "America/Denver"), "NH": ("America/New_York",), "NJ": ("America/New_York",),
    "NM": ("America/Denver",), "NY": ("America/New_York",), "NC": ("America/New_York",),
    "ND": ("America/Chicago", "America/Denver"), "OH": ("America/New_York",), "OK": ("America/Chicago",),
    "OR": ("America/Los_Angeles", "America/Boise"), "PA": ("America/New_York",), "RI": ("America/New_York",),
    "SC": ("America/New_York",), "SD": ("America/Chicago", "America/Denver"),
    "TN": ("America/Chicago", "America/New_York"), "TX": ("America/Chicago", "America/Denver"),
    "UT": ("America/Denver",), "VT": ("America/New_York",), "VA": ("America/New_York",),
    "WA": ("America/Los_Angeles",), "WV": ("America/New_York",), "WI": ("America/Chicago",), "WY": ("America/Denver",),
    "PR": ("America/Puerto_Rico",), "GU": ("Pacific/Guam",), "VI": ("America/St_Thomas",),
}  # fmt: skip
CANADA = {
    "AB": ("America/Edmonton",), "BC": ("America/Vancouver", "America/Edmonton"), "MB": ("America/Winnipeg",),
    "NB": ("America/Moncton",), "NL": ("America/St_Johns", "America/Halifax"), "NS": ("America/Halifax",),
    "NT": ("America/Edmonton",), "NU": ("America/Iqaluit", "America/Winnipeg", "America/Edmonton"),
    "ON": ("America/Toronto", "America/Winnipeg"), "PE": ("America/Halifax",), "QC": ("America/Toronto",),
    "SK": ("America/Regina",), "YT": ("America/Whitehorse",),
}  # fmt: skip
COUNTRY = {
    "GB": ("Europe/London",), "IE": ("Europe/Dublin",), "FR": ("Europe/Paris",), "DE": ("Europe/Berlin",),
    "NL": ("Europe/Amsterdam",), "BE": ("Europe/Brussels",), "CH": ("Europe/Zurich",), "AT": ("Europe/Vienna",),
    "IT": ("Europe/Rome",), "SE": ("Europe/Stockholm",), "NO": ("Europe/Oslo",), "DK": ("Europe/Copenhagen",),
    "FI": ("Europe/Helsinki",), "PL": ("Europe/Warsaw",), "CZ": ("Europe/Prague",), "GR": ("Europe/Athens",),
    "ES": ("Europe/Madrid", "Atlantic/Canary"), "PT": ("Europe/Lisbon", "Atlantic/Azores"), "JP": ("Asia/Tokyo",),
    "SG": ("Asia/Singapore",), "NZ": ("Pacific/Auckland",), "IN": ("Asia/Kolkata",), "ZA": ("Africa/Johannesburg",),
    "AU": ("Australia/Sydney", "Australia/Perth", "Australia/Adelaide", "Australia/Brisbane"),
}  # fmt: skip


def zones_of_place(country: str, region: str) -> tuple[str, ...]:
    """Every zone that the place may be in; none when the place says nothing."""
    code = region.strip().upper().removeprefix(f"{country}-")
    if country == "US":
        return US.get(code, ())
    if country == "CA":
        return CANADA.get(code, ())
    return COUNTRY.get(country, ())
