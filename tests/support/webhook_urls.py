"""What is typed in where a webhook's URL belongs."""

from __future__ import annotations

from hypothesis import strategies as st

_SCHEMES = st.sampled_from(["http", "https", "HTTPS", "ftp", "", "http:", "javascript"])
_USERS = st.sampled_from(["", "user@", "user:pass@", "ü:%@", "@", "a\\@"])
_LABELS = st.one_of(
    st.sampled_from(["", "xn--", "xn--a", "xn--a-", "xn--bcher-kva", "*", "%00", "127", "0x7f", "ß", "。", "-a-"]),
    st.text(max_size=5),
    st.integers(60, 70).map(lambda count: "a" * count),
)
_HOSTS = st.one_of(
    st.lists(_LABELS, max_size=5).map(".".join),
    st.integers(100, 130).map(lambda count: "a." * count),
    st.sampled_from(["[::1]", "[::1", "[fe80::1%eth0]", "[v1.x]", "[]", "::1", "1.2.3.4.5", "256.1.1.1"]),
)
_PORTS = st.one_of(
    st.sampled_from(["", ":", ":port", ":٣", ":1_0", ": 80", ":+1", ":1e3", ":80:80"]),
    st.integers(-1, 2**70).map(lambda port: f":{port}"),
    st.integers(65530, 65540).map(lambda port: f":{port}"),
)
_RESTS = st.one_of(
    st.sampled_from(["", "/", "/hook?token=a#b", "//", "?", "#", "/%", "/%zz", "/ü", "\\"]),
    st.text(st.characters(), max_size=8).map(lambda rest: f"/{rest}"),
)
#: Of the grammar of URLs, and off it by a little.
NEARLY_URLS = st.tuples(_SCHEMES, _USERS, _HOSTS, _PORTS, _RESTS).map(
    lambda parts: f"{parts[0]}://{''.join(parts[1:])}"
)
