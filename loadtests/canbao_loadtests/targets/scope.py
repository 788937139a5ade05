"""What an expression can see while a workflow goes on: inputs, outputs of steps, the last request and its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from canbao_loadtests.http.messages import Request, Response
from canbao_loadtests.targets.documents import MISSING

__all__ = ["NO_RESPONSE", "Scope"]

NO_RESPONSE = Response(0, (), b"")


class Scope:
    """The values of one workflow while it goes on.

    Parameters
    ----------
    inputs
        What the workflow was given.
    workflows
        Inputs and outputs of workflows that this session has completed, by their ids.
    cookies
        Gives the browser's cookies by name.
    """

    __slots__ = (
        "_json",
        "_text",
        "cookies",
        "garbage",
        "inputs",
        "outputs",
        "request",
        "response",
        "sent",
        "steps",
        "workflows",
    )

    def __init__(
        self,
        inputs: Mapping[str, Any],
        workflows: Mapping[str, Mapping[str, Mapping[str, Any]]],
        cookies: Callable[[], Mapping[str, str]],
    ) -> None:
        self.inputs = inputs
        self.workflows = workflows
        self.cookies = cookies
        self.steps: dict[str, dict[str, Any]] = {}
        self.outputs: Mapping[str, Any] = {}
        """Of the workflow, or of the one that a step has called."""
        self.request: Request | None = None
        self.sent: Mapping[tuple[str, str], Any] = {}
        """The parameters of the last request by place and name."""
        self.response: Response = NO_RESPONSE
        self._json: Any = None
        self._text: str | None = None
        self.garbage = False

    def sending(self, request: Request | None, sent: Mapping[tuple[str, str], Any]) -> None:
        """Forget the last answer: another request goes out."""
        self.request, self.sent, self.response = request, sent, NO_RESPONSE
        self._json = self._text = None
        self.garbage = False

    def answered(self, response: Response) -> None:
        """Take in an answer."""
        self.response = response
        self._json = self._text = None
        self.garbage = False

    def text(self) -> str:
        """Give the body as text."""
        if self._text is None:
            self._text = _decoded(self.response)
        return self._text

    def json(self) -> Any:
        """Give the body as JSON says it; MISSING where it is none."""
        if self._json is None:
            try:
                self._json = (json.loads(self.response.body),)
            except (ValueError, RecursionError):
                self._json = (MISSING,)
                self.garbage = self.garbage or self.says_json()
        return self._json[0]

    def body(self) -> Any:
        """Give the body: JSON where it says so and is, text otherwise; MISSING without an answer."""
        if self.response is NO_RESPONSE:
            return MISSING
        if self.says_json():
            value = self.json()
            if value is not MISSING:
                return value
        return self.text()

    def says_json(self) -> bool:
        """Say whether the answer calls itself JSON."""
        kind = self.response.header("content-type")
        return kind is not None and "json" in kind.lower()


_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_LARGER = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252"}
"""What is meant where these are said (Encoding Standard, WHATWG)."""


def _decoded(response: Response) -> str:
    """Decode a body: by the charset of its type, or the one that a page says of itself, or else as UTF-8."""
    said = _CHARSET.search(response.header("content-type") or "")
    if said is None and response.body[:1024].lstrip()[:1] == b"<":
        said = _CHARSET.search(response.body[:1024].decode("latin-1"))
    name = said[1].lower() if said else "utf-8"
    try:
        return response.body.decode(_LARGER.get(name, name), "replace")
    except (LookupError, UnicodeError):
        return response.body.decode("utf-8", "replace")
