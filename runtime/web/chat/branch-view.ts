// Which version of a turn is shown, of those that stand side by side, and the way to the others.
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { texts } from '../texts/texts.js';
import { siblingsOf } from './branches.js';
import type { Conversation, Turn } from './conversation.js';

/** Nothing where there is only one version. */
export function branchView(
  conversation: Conversation,
  turn: Turn,
  show: (other: Turn) => void,
): HTMLElement[] {
  const versions = siblingsOf(conversation, turn);
  if (versions.length < 2) return [];
  const at = versions.indexOf(turn);
  const step = (to: number, name: 'back' | 'forward', label: string) => {
    const other = versions[to];
    const click = () => other && show(other);
    const props = { class: 'icon-button', type: 'button', 'aria-label': label, click };
    return el('button', { ...props, disabled: !other }, icon(name));
  };
  return [
    el(
      'div',
      { class: 'branch', role: 'group', 'aria-label': texts.turn.branches },
      step(at - 1, 'back', texts.turn.before),
      el('span', {}, texts.turn.branch(at + 1, versions.length)),
      step(at + 1, 'forward', texts.turn.after),
    ),
  ];
}
