"""Names as NATS carries them: rooms, users and sessions become one token of a subject or one value of a header."""

import re
from urllib.parse import unquote


def token(name: str) -> str:
    """`lobby` stays `lobby`; `Team A.1` becomes `Team=20A=2E1`."""
    plain = re.compile(r"[A-Za-z0-9_-]")
    chars = (chr(byte) for byte in name.encode())
    return "".join(char if plain.match(char) else f"={ord(char):02X}" for char in chars)


def name_of(token: str) -> str:
    """The name back from its token."""
    return unquote(token.replace("=", "%"), errors="strict")
