"""A template into which is already written what all who get it read alike: partial evaluation.

Most places of a message say the same to everybody in a campaign (the business, its address, the offer), and to work
them out again for each recipient is most of what rendering costs.
"""

from collections.abc import Mapping
from typing import Any

from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.template import BoundTemplate

_CHOOSING = {"if", "unless", "case"}
"""Tags that only choose. Others keep something from one place to the next, and are left to be rendered."""


def specialised(template: BoundTemplate, known: Mapping[str, Any]) -> BoundTemplate:
    """The template with each outermost place filled in that depends on variables of ``known`` alone.

    It renders to the same text as ``template`` whenever it is given the same ``known`` and whatever else.
    """
    # A name that the template itself assigns may mean something else by then.
    names = known.keys() - template.analyze().locals.keys()
    nodes: list[Node] = []
    for node in template.nodes:
        alone = BoundTemplate(template.env, [node])
        text = alone.render(**known) if not isinstance(node, ContentNode) and _depends_on(alone, names) else None
        nodes.append(node if text is None else ContentNode(node.token, text))
    return BoundTemplate(template.env, _joined(nodes), name=template.name, globals=template.globals)


def _depends_on(template: BoundTemplate, names: set[str]) -> bool:
    """Whether it can be rendered knowing these names alone, and leaves nothing behind."""
    found = template.analyze()
    return found.tags.keys() <= _CHOOSING and not found.locals and found.globals.keys() <= names


def _joined(nodes: list[Node]) -> list[Node]:
    """Texts that stand beside one another as one."""
    joined: list[Node] = []
    for node in nodes:
        if isinstance(node, ContentNode) and joined and isinstance(joined[-1], ContentNode):
            joined[-1] = ContentNode(joined[-1].token, joined[-1].text + node.text)
        else:
            joined.append(node)
    return joined
