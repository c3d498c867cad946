// The tree of a conversation's turns: which branch is shown, and what stands beside a turn.
// Nothing is ever cut off a tree but an answer without words; every branch can be shown again.
import type { Conversation, Turn } from './conversation.js';

type Tree = Pick<Conversation, 'turns' | 'lastId'>;

/** The turns of the branch that is shown, the first one first. */
export function shownTurns({ turns, lastId }: Tree): Turn[] {
  return pathTo(turns, lastId);
}

/** A turn and all before it, the first one first. */
export function pathTo(turns: readonly Turn[], id: string | null): Turn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const path: Turn[] = [];
  for (let at = byId.get(id ?? ''); at; at = byId.get(at.parentId ?? '')) {
    path.push(at);
    // A file that was imported may say that a turn comes before itself.
    byId.delete(at.id);
  }
  return path.reverse();
}

/** The turns that were said at the same place, itself among them, in the order they were made. */
export function siblingsOf({ turns }: Tree, { parentId, kind }: Turn): Turn[] {
  return turns.filter((turn) => turn.parentId === parentId && turn.kind === kind);
}

/** Shows the branch of this turn, to the end of its newest turns. */
export function showBranch(tree: Tree, turn: Turn): void {
  let last: Turn | undefined = turn;
  while (last) {
    tree.lastId = last.id;
    last = tree.turns.findLast(({ parentId }) => parentId === tree.lastId);
  }
}

export function addTurn(tree: Tree, turn: Turn): void {
  tree.turns.push(turn);
  tree.lastId = turn.id;
}

/** Takes out a turn that nothing follows. */
export function dropTurn(tree: Tree, turn: Turn): void {
  tree.turns.splice(tree.turns.indexOf(turn), 1);
  if (tree.lastId === turn.id) tree.lastId = turn.parentId;
}
