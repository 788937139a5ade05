"""Targets: HTTP implementations of the flow, each described by its OpenAPI document and an Arazzo document.

To be read in this order: `flow` (above), `target`, `contract`, `arazzo`, `compiling`, `running`, `sessions`.

| module | holds |
|---|---|
| `target` | what a target is to the rest of the load side |
| `contract` | what canbao supplies and needs |
| `documents`, `reading`, `settings` | files: YAML and JSON with the lines of their keys, a folder, `target.toml` |
| `arazzo`, `openapi` | the models of the documents |
| `expressions`, `conditions`, `selecting`, `scope` | what expressions and criteria name, compiled |
| `bodies`, `requesting` | requests, compiled |
| `steps`, `compiling`, `workflows` | workflows, compiled, and what must fit together |
| `running`, `sessions`, `arazzo_target` | workflows that go on; a family's session; the target |
| `checking`, `showing`, `command` | `canbao target check` |
"""

import lazy_loader

# Each name is imported when it is first asked for: `canbao --help` needs none of them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
