"""AWS configurations: such as are used, and all kinds of those that can't be."""

from collections.abc import Mapping

SECRET = "canarySECRET" + "s" * 28
KEYS = f"aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {SECRET}\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"
MFA = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"


def role(more: str) -> str:
    return f"[profile p]\n{ROLE}{more}\n"


NEVER = "/no/such/file"
SSO = "sso_account_id = 123456789012\nsso_role_name = r\n"
PORTAL = "sso_start_url = https://x\nsso_region = eu-west-1\n"
LOOP = f"source_profile = q\n[profile q]\n{ROLE}source_profile = p"
TROUBLE: Mapping[str, tuple[str, str]] = {
    "not logged in": (
        f"[profile p]\nsso_session = c\n{SSO}[sso-session c]\n{PORTAL}",
        "not logged in, or no longer. Run: aws sso login --profile p",
    ),
    "not logged in as of old": (
        f"[profile p]\n{PORTAL}{SSO}",
        "not logged in, or no longer. Run: aws sso login --profile p",
    ),
    "no such SSO session": (f"[profile p]\nsso_session = c\n{SSO}", "sso-session"),
    "no source": (role("source_profile = q"), 'source_profile "q"'),
    "a source without keys": (
        role("source_profile = q\n[profile q]"),
        "source profile",
    ),
    "a loop": (role(LOOP), "Infinite loop"),
    "itself": (role("source_profile = p"), "Infinite loop"),
    "no source at all": (role(""), "source_profile or credential_source"),
    "no such source": (role("credential_source = Moon"), '"Moon"'),
    "no keys about": (role("credential_source = Environment"), "credential_source"),
    "no container": (role("credential_source = EcsContainer"), "credential_source"),
    "no token file": (
        role(f"web_identity_token_file = {NEVER}"),
        f"the profile p: No such file or directory ({NEVER})",
    ),
    "no role": (f"[profile p]\nweb_identity_token_file = {NEVER}\n", "role_arn"),
    "half a pair": ("[profile p]\naws_access_key_id = A\n", "aws_secret_access_key"),
    "no key": (f"[profile p]\n{KEYS}aws_session_token = \u00e9\n", "no key that AWS"),
    "no credentials": ("[profile p]\n", "Unable to locate credentials. Choose a"),
    "no CA bundle": (
        f"[profile p]\n{KEYS}ca_bundle = {NEVER}\n",
        f"The CA bundle {NEVER} can't be read: No such file or directory",
    ),
    "no certificate": (
        f"[profile p]\n{KEYS}ca_bundle = {__file__}\n",
        f"The CA bundle {__file__} can't be read: ",
    ),
    "a table for a path": (
        f"[profile p]\n{KEYS}ca_bundle =\n  x = y\n",
        "another form",
    ),
    "a word for a table": (f"[profile p]\n{KEYS}api_versions = x\n", "of another form"),
    "a code": (role(f"{MFA}source_profile = q"), "takes an MFA code"),
}
