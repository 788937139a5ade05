"""The load side of canbao: the reference service, and what sends load to it or to any other implementation.

It may import canbao; canbao never imports it, but for the command that `doors` registers like any plugin.
"""

__all__: list[str] = []
